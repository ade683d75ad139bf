// Why an execution failed: the stage at the bottom of it, its cause in one
// sentence, what it was about, and what to do. Pure.
import type { Execution, Stage } from '~/api/queries'
import { childOf, isFailed, pathOf, topOf } from './stages'

export type Resource = { kind: 'serverGroup' | 'manifest' | 'job'; account: string; region: string; name: string }

export type Failure = {
  /** One sentence. */
  cause: string
  /** What else it said. */
  more: string[]
  hint?: string
  /** The stage that failed by itself; none if it failed before the first. */
  stage?: Stage
  /** What the stage is a part of, and itself. */
  where?: string
  /** The written stage from which it can be tried again. */
  retry?: Stage
  resource?: Resource
  /** Instances that the cause names. */
  instances: string[]
  /** Lines that the stage wrote before it failed. */
  log?: string
  /** The execution in which it failed, if this stage only waited for it. */
  child?: string
  /** It failed, and the pipeline went on. */
  ignored: boolean
}

const record = (v: unknown): Record<string, unknown> => (typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : {})
const str = (v: unknown): string | undefined => (typeof v === 'string' && v !== '' ? v : undefined)
const strings = (v: unknown): string[] => (Array.isArray(v) ? v.filter((s): s is string => typeof s === 'string' && s !== '') : [])

/** failureOf explains an execution that failed; undefined if it did not. */
export function failureOf(x: Execution): Failure | undefined {
  const over = x.status === 'TERMINAL' || x.status === 'STOPPED'
  const stage = deepest(x.stages, over)
  if (stage) return explain(x, stage, !over)
  if (!over) return undefined
  return { cause: x.cancellationReason ?? 'It failed, and no stage says why.', more: [], instances: [], ignored: false }
}

/** failureOfStage explains one stage. */
export function failureOfStage(x: Execution, stage: Stage): Failure | undefined {
  if (!isFailed(stage.status)) return undefined
  const below = new Set([stage.id])
  // A parent may stand before or behind its parts in the list.
  for (let size = 0; size !== below.size; ) {
    size = below.size
    for (const s of x.stages) if (s.parentStageId && below.has(s.parentStageId)) below.add(s.id)
  }
  return explain(x, deepest(x.stages.filter((s) => below.has(s.id)), true) ?? stage, stage.status === 'FAILED_CONTINUE')
}

/** deepest returns the failing stage that is furthest down and says why; of several the first that ended. */
function deepest(stages: readonly Stage[], over: boolean): Stage | undefined {
  const byID = new Map(stages.map((s) => [s.id, s]))
  const depth = (s: Stage) => {
    let n = 0
    for (let p = s.parentStageId; p && n < stages.length; p = byID.get(p)?.parentStageId) n++
    return n
  }
  // What made the execution fail goes before what only stopped a branch or was ignored.
  const weight = (s: Stage) => (s.status === 'TERMINAL' ? 0 : s.status === 'STOPPED' ? 1 : 2)
  const speaks = (s: Stage) => (said(s).length > 0 ? 0 : 1)
  return stages
    .filter((s) => isFailed(s.status) && (over || s.status !== 'TERMINAL'))
    .sort((a, b) => weight(a) - weight(b) || speaks(a) - speaks(b) || depth(b) - depth(a) || (a.endTime ?? Infinity) - (b.endTime ?? Infinity))[0]
}

/** said returns what a stage says about its failure, most telling first. */
function said(s: Stage): string[] {
  const own = details(s.context.exception)
  const ofTasks = s.tasks.flatMap((t) => (isFailed(t.status) ? details(record(t.taskExceptionDetails).exception) : []))
  const other = [str(s.context.failureMessage), str(record(s.context.webhook).error), str(record(s.context.completionDetails).message)].filter((t) => t !== undefined)
  return [...new Set([...own, ...ofTasks, ...other])]
}

function details(exception: unknown): string[] {
  const d = record(record(exception).details)
  const errors = strings(d.errors)
  return errors.length > 0 ? errors : [str(d.error)].filter((t) => t !== undefined)
}

function explain(x: Execution, s: Stage, ignored: boolean): Failure {
  const [cause, ...more] = said(s)
  const exception = record(s.context.exception)
  const task = s.tasks.find((t) => isFailed(t.status))
  const text = [cause ?? '', ...more].join(' ')
  const retry = topOf(x.stages, s)
  return {
    cause: cause ? tidy(cause, s, task?.name) : `${s.name} failed${task ? ` in ${task.name}` : ''}, and does not say why.`,
    more,
    hint: str(record(exception.details).hint),
    stage: s,
    where: pathOf(x.stages, s),
    retry: retry.parentStageId ? undefined : retry,
    resource: resourceOf(s),
    instances: instancesIn(text, s),
    log: str(s.context.log) ?? str(record(s.context.completionDetails).log),
    child: childOf(s),
    ignored,
  }
}

/** tidy takes off what the page says anyway: which task of which stage it was. */
function tidy(cause: string, s: Stage, task: string | undefined): string {
  const prefix = task ? `${task} of stage ${s.name} ` : ''
  const rest = prefix && cause.startsWith(prefix) ? cause.slice(prefix.length) : cause
  const sentence = rest.charAt(0).toUpperCase() + rest.slice(1)
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`
}

/** resourceOf is what a stage worked on. */
export function resourceOf(s: Stage): Resource | undefined {
  const c = { ...s.context, ...s.outputs }
  const account = str(c['deploy.account.name']) ?? str(c.account) ?? str(c.credentials) ?? ''
  const [job] = inRegions(c['deploy.jobs'])
  if (job) return { kind: 'job', account, ...job }
  const [group] = serverGroupsOf(s)
  if (group) return group
  const name = str(c.serverGroupName) ?? str(c.asgName)
  if (name) return { kind: 'serverGroup', account, region: str(c.region) ?? '', name }
  const manifest = str(c.manifestName)
  return manifest ? { kind: 'manifest', account, region: str(c.location) ?? '', name: manifest } : undefined
}

/** serverGroupsOf are those that a stage made. */
export function serverGroupsOf(s: Stage): Resource[] {
  const c = { ...s.context, ...s.outputs }
  const account = str(c['deploy.account.name']) ?? str(c.account) ?? str(c.credentials) ?? ''
  return inRegions(c['deploy.server.groups']).map((g) => ({ kind: 'serverGroup' as const, account, ...g }))
}

/** inRegions reads {"eu-west-1": ["a", "b"]}. */
export function inRegions(v: unknown): { region: string; name: string }[] {
  return Object.entries(record(v)).flatMap(([region, names]) => strings(names).map((name) => ({ region, name })))
}

/** instancesIn finds the instances of a stage's server groups that a text names. */
function instancesIn(text: string, s: Stage): string[] {
  const groups = serverGroupsOf(s).map((g) => g.name)
  const words = text.match(/[A-Za-z0-9][\w.-]*\w/g) ?? []
  return [...new Set(words.filter((w) => groups.some((g) => w.startsWith(`${g}-`))))].slice(0, 5)
}
