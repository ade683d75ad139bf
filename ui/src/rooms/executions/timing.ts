// Where the time of an execution went. Pure; times are milliseconds since 1970.
import { duration } from '~/kit/time'
import type { Execution, Stage } from '~/api/queries'
import { childOf, childrenOf, isEnded, topLevel } from './stages'

/** Kind is what an execution or a stage does during some time. */
export type Kind = 'queued' | 'running' | 'person' | 'window' | 'timer' | 'paused'

export type Segment = { kind: Kind; from: number; to: number }

/** Timed is a stage with its time; what has not begun has no segments but, once it could begin, a queued one. */
export type Timed = { stage: Stage; segments: Segment[]; critical: boolean }

export type Timing = {
  from: number
  to: number
  stages: Map<string, Timed>
  /** How long the execution did what; where stages ran side by side, the busiest counts. */
  totals: Record<Kind, number>
  /** A part of it ran again later: what lay between was no waiting. */
  restarted: boolean
}

export const kindNames: Record<Kind, string> = {
  queued: 'queued',
  running: 'running',
  person: 'waiting for a person',
  window: 'waiting for the time window',
  timer: 'waiting for a timer',
  paused: 'paused',
}

/** Of what happens at the same time, the first counts. */
const ranks: Kind[] = ['running', 'person', 'window', 'timer', 'paused', 'queued']

/** kindOf says what a stage without parts does while it runs. */
function kindOf(s: Stage): Kind {
  switch (s.type) {
    case 'manualJudgment':
      return 'person'
    case 'restrictExecutionDuringTimeWindow':
      return 'window'
    case 'wait':
      return 'timer'
    default:
      return 'running'
  }
}

/**
 * timing measures an execution until now, or until it ended. Of executions that
 * it started, those in others count with what they did; the rest as running.
 */
export function timing(x: Execution, now: number, others: ReadonlyMap<string, Execution> = new Map()): Timing {
  return measure(x, now, others, 0)
}

const deepest = 8

function measure(x: Execution, now: number, others: ReadonlyMap<string, Execution>, depth: number): Timing {
  const children = childrenOf(x.stages)
  const restarted = x.stages.some((s) => s.context.restartDetails !== undefined)
  // A restart sets the start anew.
  const known = [restarted ? undefined : x.buildTime, x.startTime, ...x.stages.map((s) => s.startTime)].filter((t) => typeof t === 'number')
  const from = known.length === 0 ? now : Math.min(...known)
  const to = Math.max(from, x.endTime ?? (isEnded(x.status) ? Math.max(from, ...x.stages.map((s) => s.endTime ?? 0)) : now))
  const stages = new Map<string, Timed>()
  const began = x.startTime ?? to

  const add = (s: Stage, ready: number | undefined): void => {
    const start = s.startTime ?? undefined
    const end = s.endTime ?? (start === undefined || isEnded(s.status) ? start : to)
    const own = children.get(s.id) ?? []
    addAll(own, s)
    const segments: Segment[] = []
    const queuedTo = start ?? (isEnded(s.status) || isEnded(x.status) ? undefined : to)
    if (ready !== undefined && queuedTo !== undefined && queuedTo - ready > 0) segments.push({ kind: 'queued', from: ready, to: queuedTo })
    if (start !== undefined && end !== undefined) {
      const inner = own.flatMap((c) => stages.get(c.id)!.segments.filter((g) => g.kind !== 'queued'))
      const other = depth < deepest ? others.get(childOf(s) ?? '') : undefined
      if (other) inner.push(...spans(measure(other, now, others, depth + 1)))
      segments.push(...paint([{ kind: 'running', from: start, to: end }], inner, kindOf(s)))
    }
    stages.set(s.id, { stage: s, segments, critical: false })
  }

  /** addAll adds stages that stand beside each other: those of the execution, or the parts of one. */
  const addAll = (list: Stage[], parent: Stage | undefined) => {
    const byRef = new Map(list.map((s) => [s.refId, s]))
    for (const s of list) {
      const before = s.requisiteStageRefIds.map((r) => byRef.get(r)).filter((r) => r !== undefined)
      const open = before.some((r) => !isEnded(r.status))
      const ends = before.map((r) => r.endTime ?? 0)
      const first = before.length === 0 ? (parent ? partReady(s, list, parent) : began) : open ? undefined : Math.max(began, ...ends)
      add(s, first)
    }
  }
  addAll(topLevel(x.stages), undefined)
  critical(x, stages, children)

  const all = [...stages.values()].filter((t) => !t.stage.parentStageId).flatMap((t) => t.segments)
  const queue: Segment[] = began > from ? [{ kind: 'queued', from, to: began }] : []
  const totals: Record<Kind, number> = { queued: 0, running: 0, person: 0, window: 0, timer: 0, paused: 0 }
  const pause: Segment[] = x.paused?.pauseTime ? [{ kind: 'paused', from: x.paused.pauseTime, to: x.paused.resumeTime ?? to }] : []
  for (const g of paint([{ kind: 'running', from, to }], [...queue, ...all], 'queued', pause)) totals[g.kind] += g.to - g.from
  return { from, to, stages, totals, restarted }
}

/** partReady says when a part of a stage that waits for no other part could begin. */
function partReady(s: Stage, beside: Stage[], parent: Stage): number | undefined {
  if (!parent.startTime) return undefined
  if (s.syntheticStageOwner !== 'STAGE_AFTER') return parent.startTime
  if (!s.startTime) return undefined
  const before = [...parent.tasks, ...beside.filter((b) => b !== s)].map((b) => b.endTime ?? 0).filter((t) => t <= s.startTime!)
  return Math.max(parent.startTime, ...before)
}

/** spans are the times of an execution as those of the stage that waits for it. */
function spans(t: Timing): Segment[] {
  return [...t.stages.values()].filter((s) => !s.stage.parentStageId).flatMap((s) => s.segments.filter((g) => g.kind !== 'queued'))
}

/**
 * paint cuts the frames where inner segments begin and end; each piece is of the
 * highest rank of those in it, of otherwise where there is none, and of over where that is.
 */
export function paint(frames: Segment[], inner: Segment[], otherwise: Kind, over: Segment[] = []): Segment[] {
  const out: Segment[] = []
  for (const f of frames) {
    const edges = [...inner, ...over].flatMap((g) => [[g.from, 1, g] as const, [g.to, -1, g] as const]).sort((a, b) => a[0] - b[0])
    const open: Record<Kind, number> = { queued: 0, running: 0, person: 0, window: 0, timer: 0, paused: 0 }
    const covers = new Set(over)
    let covered = 0
    let at = f.from
    const upTo = (t: number) => {
      const until = Math.min(f.to, t)
      if (until <= at) return
      const kind = covered > 0 ? over[0]!.kind : (ranks.find((k) => open[k] > 0) ?? otherwise)
      const last = out.at(-1)
      if (last?.kind === kind && last.to === at) last.to = until
      else out.push({ kind, from: at, to: until })
      at = until
    }
    for (const [t, by, g] of edges) {
      upTo(t)
      if (covers.has(g)) covered += by
      else open[g.kind] += by
    }
    upTo(f.to)
  }
  return out
}

/** critical marks the stages that made the execution take as long as it did: backwards from the last one. */
function critical(x: Execution, stages: Map<string, Timed>, children: Map<string, Stage[]>) {
  const endOf = (s: Stage) => stages.get(s.id)?.segments.filter((g) => g.kind !== 'queued').at(-1)?.to ?? -Infinity
  const latest = (list: Stage[]) => list.reduce<Stage | undefined>((best, s) => (endOf(s) > (best ? endOf(best) : -Infinity) ? s : best), undefined)
  const walk = (list: Stage[], parts: boolean) => {
    const byRef = new Map(list.map((s) => [s.refId, s]))
    const seen = new Set<Stage>()
    for (let s = latest(list); s && !seen.has(s); ) {
      seen.add(s)
      stages.get(s.id)!.critical = true
      walk(children.get(s.id) ?? [], true)
      const begin: number = s.startTime ?? 0
      const before = s.requisiteStageRefIds.map((r) => byRef.get(r)).filter((r) => r !== undefined)
      // Parts without an order among them follow each other before and after the tasks.
      s = latest(before.length > 0 || !parts ? before : list.filter((b) => !seen.has(b) && endOf(b) <= begin))
    }
  }
  walk(topLevel(x.stages), false)
}

const waits: Partial<Record<Kind, string>> = {
  person: 'waiting for approval',
  window: 'waiting for the time window',
  timer: 'waiting for timers',
  queued: 'waiting to begin',
  paused: 'paused',
}

/** summary says in one sentence where the time went; nothing if it is too short to matter. */
export function summary(t: Timing): string | undefined {
  const total = t.to - t.from
  if (total < 1_000 || t.restarted) return undefined
  const share = (ms: number) => Math.round((100 * ms) / total)
  const [kind, ms] = Object.entries(t.totals)
    .filter(([k]) => k !== 'running')
    .sort((a, b) => b[1] - a[1])[0] as [Kind, number]
  if (share(ms) >= 20) return `${share(ms)} % of the time was ${waits[kind]}.`
  const own = [...t.stages.values()].filter((s) => !s.stage.parentStageId)
  if (own.length < 2) return undefined
  const spent = (s: Timed) => s.segments.reduce((sum, g) => sum + (g.kind === 'queued' ? 0 : g.to - g.from), 0)
  const longest = own.reduce((a, b) => (spent(b) > spent(a) ? b : a))
  return `${longest.stage.name} took ${share(spent(longest))} % of the time, ${duration(spent(longest))}.`
}

const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400, 172_800, 604_800]

/** ticks returns up to six round times along an axis of so many milliseconds. */
export function ticks(total: number): number[] {
  const step = (steps.find((s) => total / (s * 1_000) <= 5) ?? Math.ceil(total / 5_000)) * 1_000
  return Array.from({ length: Math.floor(total / step) + 1 }, (_, i) => i * step).filter((t) => t <= total * 0.97)
}

/** tickName writes a round time in its largest whole unit. */
export function tickName(ms: number): string {
  if (ms === 0) return '0'
  for (const [unit, name] of [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'min'], [1_000, 's']] as const) if (ms % unit === 0) return `${ms / unit} ${name}`
  return `${ms} ms`
}
