// Drafts: what was changed and not saved stays in the browser, whatever happens to
// the page or to the server.
import { isObject, type Doc } from './document'

export type Draft = {
  doc: Doc
  /** A text that could not be read yet, and how it was written. */
  text?: { text: string; format: 'json' | 'yaml' }
  /** updateTs of what the draft was made from; none of a new pipeline. */
  base?: string
  /** When it was changed, in milliseconds since 1970. */
  at: number
}

export type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

/** draftKey is where the draft of a pipeline is kept. A copy is a new pipeline, and a draft of its own. */
export const draftKey = (app: string, pipeline: string, copy?: string) => `gennaker.draft.${app.toLowerCase()}.${pipeline}${copy ? `.${copy}` : ''}`

/** loadDraft returns a draft, if there is one that can be read. */
export function loadDraft(store: Store, key: string): Draft | undefined {
  try {
    const draft: unknown = JSON.parse(store.getItem(key) ?? 'null')
    if (isObject(draft) && isObject(draft.doc) && typeof draft.at === 'number') return draft as unknown as Draft
  } catch {
    // Somebody else wrote there, or the browser keeps nothing: there is no draft then.
  }
  return undefined
}

/** saveDraft keeps a draft. It reports whether it could: a browser may be full, or keep nothing. */
export function saveDraft(store: Store, key: string, draft: Draft): boolean {
  try {
    store.setItem(key, JSON.stringify(draft))
    return true
  } catch {
    return false
  }
}

export function dropDraft(store: Store, key: string) {
  try {
    store.removeItem(key)
  } catch {
    // What keeps nothing has nothing to drop.
  }
}
