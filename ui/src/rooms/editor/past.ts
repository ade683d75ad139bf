// Undo and redo: the documents that were, and those that were undone.
import type { Doc } from './document'

export type Past = {
  doc: Doc
  undo: readonly Doc[]
  redo: readonly Doc[]
  /** What the last change was of, and when: changes of one field in a row are one step. */
  last?: { of: string; at: number }
}

/** Bounds of what is kept, and of how long one goes on typing, in milliseconds. */
const mostSteps = 200
const pause = 1_000

export const begin = (doc: Doc): Past => ({ doc, undo: [], redo: [] })

/** change makes a step. Pure. */
export function change(p: Past, doc: Doc, of: string, at: number): Past {
  if (doc === p.doc) return p
  const goesOn = p.last?.of === of && of !== '' && at - p.last.at < pause && p.undo.length > 0
  return { doc, undo: goesOn ? p.undo : [...p.undo, p.doc].slice(-mostSteps), redo: [], last: { of, at } }
}

export function undo(p: Past): Past {
  const doc = p.undo.at(-1)
  return doc ? { doc, undo: p.undo.slice(0, -1), redo: [p.doc, ...p.redo] } : p
}

export function redo(p: Past): Past {
  const [doc, ...rest] = p.redo
  return doc ? { doc, undo: [...p.undo, p.doc], redo: rest } : p
}
