// What is going on in an application right now, a line for each.
import type { Execution, Stage } from '~/api/queries'

/** Line is an execution that is under way, with what runs of it at the moment. */
export type Line = {
  id: string
  /** It is an operation, and no pipeline's. */
  task: boolean
  name: string
  status: string
  since?: number
  /** The names of the stages that run, from the outermost to the innermost. */
  path: string[]
  /** What waits for a person, in which execution. */
  waits?: { execution: string; stage: string; id: string }
}

/** statuses of executions that are under way. */
export const underWay = ['RUNNING', 'PAUSED', 'NOT_STARTED', 'BUFFERED']

/** runningPath returns the stages that run, each inside the one before it. */
export function runningPath(stages: Stage[]): Stage[] {
  const live = stages.filter((s) => s.status === 'RUNNING' || s.status === 'PAUSED')
  const path: Stage[] = []
  for (let parent: string | undefined; ; ) {
    const next = live.find((s) => s.parentStageId === parent)
    if (!next || path.includes(next)) return path
    path.push(next)
    parent = next.id
  }
}

/** isTask tells operations from executions of pipelines. */
export const isTask = (e: Pick<Execution, 'type'>): boolean => e.type === 'ORCHESTRATION'

/** parentOf returns the execution whose stage started e. */
const parentOf = (e: Execution): string | undefined => (e.trigger.parentExecution as { id?: string } | undefined)?.id

/** lines makes a line of each execution, newest first; one that another one waits for is part of the other's line. */
export function lines(executions: Execution[]): Line[] {
  const live = executions.filter((e) => underWay.includes(e.status))
  const byId = new Map(live.map((e) => [e.id, e]))
  const children = new Map<string, Execution>()
  for (const e of live) {
    const parent = parentOf(e)
    if (parent !== undefined && byId.has(parent)) children.set(parent, e)
  }
  return live
    .filter((e) => !byId.has(parentOf(e) ?? ''))
    .map((e) => {
      const path: string[] = []
      let waits: Line['waits']
      const seen = new Set<string>()
      for (let at: Execution | undefined = e; at && !seen.has(at.id); at = children.get(at.id)) {
        seen.add(at.id)
        const inner = runningPath(at.stages)
        path.push(...inner.map((s) => s.name))
        const last = inner.at(-1)
        if (last?.type === 'manualJudgment') waits = { execution: at.id, stage: last.name, id: last.id }
      }
      return { id: e.id, task: isTask(e), name: e.name || e.description || e.id, status: e.status, since: e.startTime ?? e.buildTime ?? undefined, path, waits }
    })
}
