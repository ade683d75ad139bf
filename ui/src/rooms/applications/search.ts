// What the URLs of this room say.
import { pick, text } from '~/kit/search'

export const orders = ['name', 'deployed', 'active', 'size'] as const
export const states = ['running', 'waiting', 'failed', 'unhealthy', 'starred'] as const
export type Order = (typeof orders)[number]
export type State = (typeof states)[number]

/** ApplicationsSearch is what the list shows: q is looked for, new opens the form. */
export type ApplicationsSearch = { q?: string; order?: Order; state?: State; account?: string; new?: true }

export const applicationsSearch = (raw: Record<string, unknown>): ApplicationsSearch => ({
  q: text(raw.q),
  order: pick(orders, raw.order),
  state: pick(states, raw.state),
  account: text(raw.account),
  new: raw.new === true ? true : undefined,
})

export const results = ['running', 'failed', 'succeeded'] as const

/** TasksSearch is which operations are shown, which page of them, and which is open. */
export type TasksSearch = { result?: (typeof results)[number]; page?: number; id?: string }

export const tasksSearch = (raw: Record<string, unknown>): TasksSearch => ({
  result: pick(results, raw.result),
  page: typeof raw.page === 'number' && Number.isInteger(raw.page) && raw.page > 1 ? raw.page : undefined,
  id: text(raw.id),
})

export const parts = ['form', 'json', 'history'] as const

/** SettingsSearch is which part of the settings is shown, and which save of the history. */
export type SettingsSearch = { part?: (typeof parts)[number]; save?: string }

export const settingsSearch = (raw: Record<string, unknown>): SettingsSearch => ({ part: pick(parts, raw.part), save: text(raw.save) })
