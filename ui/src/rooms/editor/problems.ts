// What is wrong with the document, where it stands, and how bad it is.
import type { Problem, Schemas } from '~/api/client'
import { stagesOf, type Doc } from './document'
import { isWithin, parsePath, type Path } from './path'

export type Finding = { path: Path; message: string; hint?: string; severity: 'error' | 'warning' | 'info'; rule?: string; /** Where in the string at path it is, in characters. */ offset?: number }

/** found are the findings of lint. */
export const found = (all: Schemas['Warning'][]): Finding[] =>
  all.map((w) => ({
    path: parsePath(w.path),
    message: w.message,
    severity: w.severity === 'error' ? 'error' : w.severity === 'warning' ? 'warning' : 'info',
    rule: w.rule,
    ...(w.hint && { hint: w.hint }),
    ...(w.offset && { offset: w.offset }),
  }))

/** refused are the findings of a save that was refused. */
export const refused = (all: Problem[]): Finding[] => all.map((p) => ({ path: parsePath(p.path), message: p.message, severity: 'error' }))

const order = { error: 0, warning: 1, info: 2 }

/** worst returns how bad the worst of findings is. */
export function worst(all: Finding[]): Finding['severity'] | undefined {
  return all.reduce<Finding['severity'] | undefined>((w, f) => (w === undefined || order[f.severity] < order[w] ? f.severity : w), undefined)
}

/** at are the findings about a place and what is below it. */
export const at = (all: Finding[], place: Path): Finding[] => all.filter((f) => isWithin(f.path, place))

/** exactly are those about the place itself. */
export const exactly = (all: Finding[], place: Path): Finding[] => all.filter((f) => f.path.length === place.length && isWithin(f.path, place))

/** byStage sorts findings by the refId of their stage. */
export function byStage(all: Finding[], doc: Doc): Map<string, Finding[]> {
  const refs = new Map(stagesOf(doc).map((s) => [s.index, s.refId]))
  const out = new Map<string, Finding[]>()
  for (const f of all) {
    const ref = f.path[0] === 'stages' && typeof f.path[1] === 'number' ? refs.get(f.path[1]) : undefined
    if (ref !== undefined) out.set(ref, [...(out.get(ref) ?? []), f])
  }
  return out
}

/** count says how many of each severity there are, in words. */
export function count(all: Finding[]): string {
  const parts = (['error', 'warning', 'info'] as const).flatMap((s) => {
    const n = all.filter((f) => f.severity === s).length
    return n === 0 ? [] : [`${n} ${s === 'info' ? (n === 1 ? 'note' : 'notes') : n === 1 ? s : `${s}s`}`]
  })
  return parts.join(', ') || 'No problems'
}
