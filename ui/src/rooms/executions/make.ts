// Executions for tests, in few words.
import type { Execution, Stage } from '~/api/queries'

/** stageOf makes a stage; its refId is its ID. */
export function stageOf(id: string, more: Partial<Stage> = {}): Stage {
  return { id, refId: id, type: 'deploy', name: id, requisiteStageRefIds: [], status: 'SUCCEEDED', context: {}, outputs: {}, tasks: [], ...more }
}

/** executionOf makes an execution. */
export function executionOf(stages: Stage[], more: Partial<Execution> = {}): Execution {
  return { type: 'PIPELINE', id: 'x1', application: 'demo', name: 'Deploy', status: 'SUCCEEDED', canceled: false, limitConcurrent: false, keepWaitingPipelines: false, trigger: { type: 'manual', user: 'alice' }, stages, ...more }
}
