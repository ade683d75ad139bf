// What the URLs of the room may say. Pure; what is unknown is dropped.
import { pick, text } from '~/kit/search'

export const parts = ['graph', 'form', 'text'] as const
export type Part = (typeof parts)[number]

export const panels = ['problems', 'expressions', 'changes'] as const
export type Panel = (typeof panels)[number]

export type EditorSearch = {
  /** refId of the stage whose form is shown; none is the pipeline's own. */
  stage?: string
  /** The part that is shown where there is room for one. */
  part?: Part
  format?: 'yaml'
  panel?: Panel
  /** Of a new pipeline: ID of the one that it is a copy of. */
  copy?: string
}

export type HistorySearch = {
  /** Numbers of the revisions that are compared; none is the newest two. */
  a?: number
  b?: number
}

const number = (v: unknown): number | undefined => {
  const n = Number(v)
  return Number.isInteger(n) && n > 0 ? n : undefined
}

const set = <T extends object>(of: T): T => Object.fromEntries(Object.entries(of).filter(([, v]) => v !== undefined)) as T

export const editorSearch = (raw: Record<string, unknown>): EditorSearch =>
  set({ stage: text(raw.stage), part: pick(parts, raw.part), format: pick(['yaml'] as const, raw.format), panel: pick(panels, raw.panel), copy: text(raw.copy) })

export const historySearch = (raw: Record<string, unknown>): HistorySearch => set({ a: number(raw.a), b: number(raw.b) })
