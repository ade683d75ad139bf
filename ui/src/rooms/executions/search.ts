// What the URLs of the room may say. Pure; what is unknown is dropped.
import { pick, text } from '~/kit/search'
import { statusGroups, type Grouping, type StatusGroup } from './list'

export type ExecutionsSearch = {
  /** ID of the pipeline whose executions are shown. */
  pipeline?: string
  status?: StatusGroup
  /** Words that executions have. */
  q?: string
  group?: Exclude<Grouping, 'none'>
  /** The execution whose stage is shown in place, and that stage. */
  open?: string
  stage?: string
  /** ID of the pipeline whose start dialog is open. */
  start?: string
  /** ID of the execution that is to run once more. */
  rerun?: string
}

export type View = 'graph' | 'bar' | 'waterfall'
export type DetailsTab = 'tasks' | 'log' | 'inputs' | 'outputs' | 'json'

export type ExecutionSearch = {
  view?: View
  stage?: string
  tab?: DetailsTab
  /** The whole execution as JSON. */
  raw?: true
  rerun?: true
}

export type CompareSearch = {
  /** Name of the pair of stages whose contexts are compared: refId on the left, or on the right after a ">". */
  stage?: string
  /** Also what is equal. */
  all?: true
}

type Raw = Record<string, unknown>

const flag = (v: unknown): true | undefined => (v === true || v === 'true' ? true : undefined)

/** compact leaves out what is not set, so that URLs stay short. */
function compact<T extends object>(of: T): T {
  return Object.fromEntries(Object.entries(of).filter(([, v]) => v !== undefined)) as T
}

export const executionsSearch = (raw: Raw): ExecutionsSearch =>
  compact({
    pipeline: text(raw.pipeline),
    status: pick(Object.keys(statusGroups) as StatusGroup[], raw.status),
    q: text(raw.q),
    group: pick(['pipeline', 'day'] as const, raw.group),
    open: text(raw.open),
    stage: text(raw.stage),
    start: text(raw.start),
    rerun: text(raw.rerun),
  })

export const executionSearch = (raw: Raw): ExecutionSearch =>
  compact({
    view: pick(['graph', 'bar', 'waterfall'] as const, raw.view),
    stage: text(raw.stage),
    tab: pick(['tasks', 'log', 'inputs', 'outputs', 'json'] as const, raw.tab),
    raw: flag(raw.raw),
    rerun: flag(raw.rerun),
  })

export const compareSearch = (raw: Raw): CompareSearch => compact({ stage: text(raw.stage), all: flag(raw.all) })
