// Stages as a tree: those that were written, and below each those that it was
// broken into. Pure.
import type { Execution, Stage } from '~/api/queries'

export type Row = { stage: Stage; depth: number; parent?: Stage; hasChildren: boolean }

/** Execution statuses after which nothing happens any more. */
const ended = new Set(['SUCCEEDED', 'FAILED_CONTINUE', 'TERMINAL', 'CANCELED', 'STOPPED', 'SKIPPED'])
const failed = new Set(['TERMINAL', 'STOPPED', 'FAILED_CONTINUE'])

export const isEnded = (status: string) => ended.has(status)
export const isFailed = (status: string) => failed.has(status)

/** topLevel returns the stages that were written, each behind those that it waits for. */
export function topLevel(stages: readonly Stage[]): Stage[] {
  const own = stages.filter((s) => !s.parentStageId)
  const known = new Set(own.map((s) => s.refId))
  const placed = new Set<string>()
  const out: Stage[] = []
  for (let before = -1; before < out.length; ) {
    before = out.length
    for (const s of own)
      if (!placed.has(s.refId) && s.requisiteStageRefIds.every((r) => placed.has(r) || !known.has(r))) {
        placed.add(s.refId)
        out.push(s)
      }
  }
  return out.length === own.length ? out : own
}

/** childrenOf groups the stages by their parent's ID; each list is in the order in which they run. */
export function childrenOf(stages: readonly Stage[]): Map<string, Stage[]> {
  const out = new Map<string, Stage[]>()
  for (const s of stages)
    if (s.parentStageId) {
      const list = out.get(s.parentStageId)
      if (list) list.push(s)
      else out.set(s.parentStageId, [s])
    }
  for (const list of out.values()) list.sort((a, b) => side(a) - side(b) || (a.startTime ?? Infinity) - (b.startTime ?? Infinity) || place(a.refId) - place(b.refId))
  return out
}

const side = (s: Stage) => (s.syntheticStageOwner === 'STAGE_AFTER' ? 1 : 0)
/** A synthetic stage's refId ends with its place among those of its parent: "1<2", "1>3". */
const place = (refId: string) => Number(/\d+$/.exec(refId)?.[0] ?? 0)

/** tree lists all stages, the parts of a stage below it. */
export function tree(stages: readonly Stage[]): Row[] {
  const children = childrenOf(stages)
  const out: Row[] = []
  const add = (stage: Stage, depth: number, parent: Stage | undefined) => {
    const own = children.get(stage.id) ?? []
    out.push({ stage, depth, parent, hasChildren: own.length > 0 })
    for (const c of own) add(c, depth + 1, stage)
  }
  for (const s of topLevel(stages)) add(s, 0, undefined)
  return out
}

/** topOf returns the written stage that a stage is a part of; it is what can be restarted. */
export function topOf(stages: readonly Stage[], stage: Stage): Stage {
  const byID = new Map(stages.map((s) => [s.id, s]))
  let top = stage
  for (let steps = 0; top.parentStageId && steps < stages.length; steps++) top = byID.get(top.parentStageId) ?? { ...top, parentStageId: undefined }
  return byID.get(top.id) ?? stage
}

/** pathOf names a stage by those that it is a part of: Deploy / Deploy in local / Destroy v002. */
export function pathOf(stages: readonly Stage[], stage: Stage): string {
  const byID = new Map(stages.map((s) => [s.id, s]))
  const names: string[] = []
  for (let s: Stage | undefined = stage; s && names.length < stages.length; s = s.parentStageId ? byID.get(s.parentStageId) : undefined) names.unshift(s.name)
  return names.join(' / ')
}

/** isJudging reports whether a stage waits for a person. */
export const isJudging = (s: Stage) => s.type === 'manualJudgment' && s.status === 'RUNNING'

/** waits reports whether an execution waits for a person. */
export const waits = (x: Execution) => x.stages.some(isJudging)

/** statusOf is the status to show: what waits for a person stands out among what runs. */
export function statusOf(x: Execution): string {
  return x.status === 'RUNNING' && waits(x) ? 'WAITING' : x.status
}

/** statusOfStage is that of a stage, for the same reason; waiting are those that wait in an execution that they started. */
export const statusOfStage = (s: Stage, waiting?: ReadonlySet<string>) => (isJudging(s) || (s.status === 'RUNNING' && waiting?.has(s.id)) ? 'WAITING' : s.status)

/** progress counts the steps that ended, as "3/7". */
export function progress(x: Execution): string {
  const all = steps(x.stages)
  return `${all.filter((s) => isEnded(s.stage.status)).length}/${all.length}`
}

/** childOf returns the ID of the execution that a pipeline stage started. */
export function childOf(s: Stage): string | undefined {
  const id = s.context.executionId
  return s.type === 'pipeline' && typeof id === 'string' && id !== '' ? id : undefined
}

export type Step = { stage: Stage; requires: string[] }

/** Steps beyond which a single stage is not taken apart. */
const mostSteps = 100

/**
 * steps returns what a picture of an execution shows: the written stages, or the
 * parts of it if there is one only. Each with the IDs of the steps before it.
 */
export function steps(stages: readonly Stage[]): Step[] {
  const own = topLevel(stages)
  const children = childrenOf(stages)
  if (own.length !== 1 || stages.length > mostSteps) return beside(own, [], new Map()).steps
  return beside(own, [], children).steps
}

/** beside chains stages that stand beside each other behind others, with their parts if those are given. */
function beside(list: readonly Stage[], behind: string[], children: Map<string, Stage[]>): { steps: Step[]; ends: string[] } {
  const out: Step[] = []
  const endsOf = new Map<string, string[]>()
  const ended = new Set<string>()
  for (const s of list) {
    const before = s.requisiteStageRefIds.filter((r) => endsOf.has(r))
    const requires = before.length === 0 ? behind : before.flatMap((r) => endsOf.get(r)!)
    for (const r of before) ended.add(r)
    const parts = children.get(s.id) ?? []
    const ahead = beside(parts.filter((p) => p.syntheticStageOwner !== 'STAGE_AFTER'), requires, children)
    const self = s.tasks.length > 0 || ahead.steps.length === 0
    out.push(...ahead.steps, ...(self ? [{ stage: s, requires: ahead.ends.length > 0 ? ahead.ends : requires }] : []))
    const after = beside(parts.filter((p) => p.syntheticStageOwner === 'STAGE_AFTER'), self ? [s.id] : ahead.ends, children)
    out.push(...after.steps)
    endsOf.set(s.refId, after.ends.length > 0 ? after.ends : self ? [s.id] : ahead.ends)
  }
  return { steps: out, ends: [...endsOf].filter(([ref]) => !ended.has(ref)).flatMap(([, ends]) => ends) }
}

/** tookOf returns how long a stage itself took at a time, without parts that are shown beside it; undefined before it begins. */
export function tookOf(s: Stage, now: number, parts: readonly Stage[] = []): number | undefined {
  if (!s.startTime) return undefined
  const whole = (x: Stage) => Math.max(0, (x.endTime ?? (isEnded(x.status) ? (x.startTime ?? 0) : now)) - (x.startTime ?? now))
  return Math.max(0, whole(s) - parts.reduce((sum, p) => sum + whole(p), 0))
}
