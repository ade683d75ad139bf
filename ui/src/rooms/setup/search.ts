import { pick, text } from '~/kit/search'

/** AccountSearch is which account is open, and what is done with it. */
export type AccountSearch = { account?: string; form?: 'new' | 'edit' }

export const accountSearch = (raw: Record<string, unknown>): AccountSearch => ({ account: text(raw.account), form: pick(['new', 'edit'], raw.form) })
