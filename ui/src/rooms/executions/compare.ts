// What differs between two executions. Pure.
import type { Execution, Stage } from '~/api/queries'
import { tree } from './stages'
import { artifactName, artifactsOf } from './trigger'

export type Pair = { name: string; left?: string; right?: string; differs: boolean }
export type StagePair = { name: string; depth: number; left?: Stage; right?: Stage; differs: boolean }

const record = (v: unknown): Record<string, unknown> => (typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : {})
const text = (v: unknown): string | undefined => (v === undefined ? undefined : typeof v === 'string' ? v : JSON.stringify(v))

function pairs(left: Record<string, unknown>, right: Record<string, unknown>): Pair[] {
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].map((name) => {
    const l = text(left[name])
    const r = text(right[name])
    return { name, left: l, right: r, differs: l !== r }
  })
}

/** compareParameters puts the parameters of two executions side by side. */
export function compareParameters(left: Execution, right: Execution): Pair[] {
  return pairs(record(left.trigger.parameters), record(right.trigger.parameters))
}

/** compareArtifacts puts the artifacts side by side that have the same type and name. */
export function compareArtifacts(left: Execution, right: Execution): Pair[] {
  const named = (x: Execution) => Object.fromEntries(artifactsOf(x).map((a) => [[a.type, a.name ?? a.reference].filter(Boolean).join(' '), a.version ?? a.reference ?? artifactName(a)]))
  return pairs(named(left), named(right))
}

/** compareStages puts stages side by side, the parts of one below it: by refId if the type is the same, else by name. */
export function compareStages(left: Execution, right: Execution): StagePair[] {
  const depths = new Map([...tree(left.stages), ...tree(right.stages)].map((r) => [r.stage, r.depth]))
  const rest = new Set(tree(right.stages).map((r) => r.stage))
  const take = (fits: (s: Stage) => boolean) => {
    const found = [...rest].find(fits)
    if (found) rest.delete(found)
    return found
  }
  const found = new Map<Stage, Stage>()
  const own = tree(left.stages).map((r) => r.stage)
  for (const fits of [(l: Stage, r: Stage) => l.refId === r.refId && l.type === r.type, (l: Stage, r: Stage) => l.name === r.name && l.type === r.type])
    for (const l of own)
      if (!found.has(l)) {
        const r = take((s) => fits(l, s))
        if (r) found.set(l, r)
      }
  const both = own.map((l): StagePair => {
    const r = found.get(l)
    return { name: l.name, depth: depths.get(l) ?? 0, left: l, right: r, differs: !r || l.status !== r.status || contextText(l) !== contextText(r) }
  })
  return [...both, ...[...rest].map((r) => ({ name: r.name, depth: depths.get(r) ?? 0, right: r, differs: true }))]
}

/** contextText is the context of a stage as text whose lines can be compared: names in order. */
export function contextText(s: Stage | undefined): string {
  return s ? JSON.stringify(sorted(s.context), null, 2) : ''
}

/** outputsText is the same of what a stage left to those behind it. */
export function outputsText(s: Stage | undefined): string {
  return s ? JSON.stringify(sorted(s.outputs), null, 2) : ''
}

function sorted(v: unknown): unknown {
  if (Array.isArray(v)) return v.map(sorted)
  if (typeof v !== 'object' || v === null) return v
  return Object.fromEntries(
    Object.entries(v)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, w]) => [k, sorted(w)]),
  )
}
