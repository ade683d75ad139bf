// The list of executions: which belong to it, how it is grouped, and how it
// takes up what changes. Pure.
import type { InfiniteData } from '@tanstack/react-query'
import type { Schemas } from '~/api/client'
import type { Execution } from '~/api/queries'
import { isEnded } from './stages'
import { artifactName, artifactsOf, parametersOf, reasonOf } from './trigger'

export type Page = Schemas['ExecutionPage']
export type Pages = InfiniteData<Page, string>
export type PipelineRow = Schemas['PipelineRow']

/** Status groups that are offered, with the statuses that they stand for. */
export const statusGroups = {
  active: ['RUNNING', 'PAUSED', 'NOT_STARTED', 'BUFFERED', 'SUSPENDED'],
  succeeded: ['SUCCEEDED'],
  failed: ['TERMINAL', 'STOPPED', 'FAILED_CONTINUE'],
  canceled: ['CANCELED'],
} as const

export type StatusGroup = keyof typeof statusGroups
export type Filter = { pipeline?: string; status?: StatusGroup }

/** matches reports whether an execution belongs to a list. */
export function matches(x: Execution, f: Filter): boolean {
  return (!f.pipeline || x.pipelineConfigId === f.pipeline) && (!f.status || (statusGroups[f.status] as readonly string[]).includes(x.status))
}

/**
 * merge takes up executions that changed, and forgets those that are gone. New
 * ones come on top; what is older than all that was read is left to its page.
 */
export function merge(pages: Pages, filter: Filter, changed: readonly Execution[], gone: ReadonlySet<string>): Pages {
  const wanted = new Map(changed.map((x) => [x.id, matches(x, filter) ? x : undefined]))
  const rest = new Map([...wanted].filter(([, x]) => x !== undefined))
  let touched = false
  const out = pages.pages.map((p) => {
    const items = p.items.flatMap((x) => {
      rest.delete(x.id)
      if (gone.has(x.id)) return []
      if (!wanted.has(x.id)) return [x]
      const now = wanted.get(x.id)
      return now ? [now] : []
    })
    const same = items.length === p.items.length && items.every((x, i) => x === p.items[i])
    touched ||= !same
    return same ? p : { ...p, items }
  })
  const first = out[0]
  const oldest = pages.pages.at(-1)?.items.at(-1)
  const whole = !pages.pages.at(-1)?.next
  const fresh = [...rest.values()].filter((x): x is Execution => x !== undefined && (whole || !oldest || x.id > oldest.id))
  if (first && fresh.length > 0) {
    touched = true
    // IDs are in the order of their making.
    out[0] = { ...first, items: [...first.items, ...fresh].sort((a, b) => (a.id < b.id ? 1 : -1)) }
  }
  return touched ? { ...pages, pages: out } : pages
}

/** Change is what an event tells of an execution: its status, or that of a stage of it. */
export type Change = { execution: string; stage?: string; status: string; at: number }

/**
 * after is an execution after changes, in their order: itself if they change
 * nothing, undefined if they tell of a stage that it does not have. A change
 * that is older than what is known is left out.
 */
export function after(x: Execution, changes: readonly Change[]): Execution | undefined {
  let now = x
  for (const c of changes) {
    if (c.stage === undefined) {
      now = moved(now, c)
      continue
    }
    const i = now.stages.findIndex((s) => s.id === c.stage)
    const stage = now.stages[i]
    if (!stage) return undefined
    const next = moved(stage, c)
    if (next !== stage) now = { ...now, stages: now.stages.with(i, next) }
  }
  return now
}

/**
 * early is an execution after those changes that can be shown before the rest of
 * it is read. Why it did not succeed, and what a person is asked, are not in a
 * change: an end that is not a success, and a judgment, are shown when they are
 * read.
 */
export function early(x: Execution, changes: readonly Change[]): Execution {
  const types = new Map(x.stages.map((s) => [s.id, s.type]))
  const whole = (c: Change) => c.stage === undefined || (types.get(c.stage) ?? 'manualJudgment') !== 'manualJudgment'
  return after(x, changes.filter((c) => whole(c) && (c.status === 'SUCCEEDED' || !isEnded(c.status)))) ?? x
}

type Timed = { status: string; startTime?: number | null; endTime?: number | null }

function moved<T extends Timed>(what: T, { status, at }: Change): T {
  if (what.status === status || (what.endTime ?? what.startTime ?? 0) > at) return what
  if (status === 'NOT_STARTED' || status === 'BUFFERED') return { ...what, status, startTime: undefined, endTime: undefined }
  return { ...what, status, startTime: what.startTime ?? at, endTime: isEnded(status) ? at : undefined }
}

const mostRuns = 30

/** mergeRuns takes executions that changed up into the runs of their pipelines. */
export function mergeRuns(rows: readonly PipelineRow[], changed: readonly Execution[], gone: ReadonlySet<string>): PipelineRow[] {
  return rows.map((row) => {
    const own = changed.filter((x) => x.pipelineConfigId === row.id && !row.runs.some((r) => r.id === x.id && r.status === x.status && r.startTime === x.startTime && r.endTime === x.endTime))
    if (own.length === 0 && !row.runs.some((r) => gone.has(r.id))) return row
    const runs = new Map(row.runs.filter((r) => !gone.has(r.id)).map((r) => [r.id, r]))
    for (const x of own) runs.set(x.id, { id: x.id, name: x.name ?? row.name, status: x.status, buildTime: x.buildTime ?? null, startTime: x.startTime, endTime: x.endTime })
    return { ...row, runs: [...runs.values()].sort((a, b) => (a.id < b.id ? -1 : 1)).slice(-mostRuns) }
  })
}

/** contains reports whether an execution has all words of a text: in its name, who, what, or ID. */
export function contains(x: Execution, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return true
  const reason = reasonOf(x)
  const all = [x.id, x.name, reason.user, reason.text, ...parametersOf(x).flat(), ...artifactsOf(x).map(artifactName)].join('\n').toLowerCase()
  return words.every((w) => all.includes(w))
}

export type Line = { kind: 'heading'; key: string; text: string; count: number } | { kind: 'execution'; key: string; x: Execution }
export type Grouping = 'none' | 'pipeline' | 'day'

/** lines arranges executions, newest first, below headings; groups stand in the order of their newest. */
export function lines(list: readonly Execution[], by: Grouping, now: number): Line[] {
  const line = (x: Execution): Line => ({ kind: 'execution', key: x.id, x })
  if (by === 'none') return list.map(line)
  const groups = new Map<string, Execution[]>()
  for (const x of list) {
    const name = by === 'pipeline' ? (x.name ?? 'Without a name') : dayOf(x.buildTime ?? x.startTime ?? 0, now)
    const group = groups.get(name)
    if (group) group.push(x)
    else groups.set(name, [x])
  }
  return [...groups].flatMap(([text, xs]) => [{ kind: 'heading' as const, key: `heading ${text}`, text, count: xs.length }, ...xs.map(line)])
}

/** dayOf names the day of a time. */
export function dayOf(time: number, now: number): string {
  const day = (t: number) => new Date(t).toDateString()
  if (day(time) === day(now)) return 'Today'
  if (day(time) === day(now - 24 * 3_600_000)) return 'Yesterday'
  const part = (options: Intl.DateTimeFormatOptions) => new Date(time).toLocaleDateString('en-GB', options)
  return `${part({ weekday: 'long' })} ${part({ day: 'numeric', month: 'long', year: 'numeric' })}`
}

/** active counts the runs of pipelines that have not ended. Of each only the newest are known: "30+". */
export function active(rows: readonly PipelineRow[]): { count: number; text: string } {
  const counts = rows.map((row) => row.runs.filter((r) => !isEnded(r.status)).length)
  const count = counts.reduce((sum, n) => sum + n, 0)
  return { count, text: `${count}${counts.some((n) => n >= mostRuns) ? '+' : ''}` }
}

/** reliability is the share of the ended runs that succeeded; undefined if none ended. */
export function reliability(row: PipelineRow): number | undefined {
  const over = row.runs.filter((r) => isEnded(r.status))
  return over.length === 0 ? undefined : over.filter((r) => r.status === 'SUCCEEDED').length / over.length
}
