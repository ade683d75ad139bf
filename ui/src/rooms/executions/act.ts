// What can be done to an execution. Each is optimistic: the page shows it at
// once, and takes it back if the server refuses.
import { useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import { api, must } from '~/api/client'
import { keys } from '~/api/live'
import type { Execution } from '~/api/queries'
import { useSay } from '~/kit/toast'
import { forget } from './queries'

export type Judgment = { judgmentStatus: 'continue' | 'stop'; judgmentInput?: string }

/** useAct returns what can be done; what is refused is thrown, unless it is said to be told. */
export function useAct() {
  const client = useQueryClient()
  const say = useSay()
  return useMemo(() => {
    const fresh = (id: string) => client.invalidateQueries({ queryKey: keys.execution(id) })
    /** at once shows a status before the server has it, and takes it back if it is refused. */
    const atOnce = async (id: string, status: string, ask: () => Promise<unknown>) => {
      const before = client.getQueryData<Execution>(keys.execution(id))
      if (before) client.setQueryData(keys.execution(id), { ...before, status })
      try {
        await ask()
        void fresh(id)
      } catch (e) {
        if (before) client.setQueryData(keys.execution(id), before)
        void fresh(id)
        throw e
      }
    }
    const told = (what: Promise<unknown>) => void what.catch(say.failed)
    const patch = (id: string, stage: string, body: Record<string, unknown>) =>
      must(api.PATCH('/pipelines/{id}/stages/{stage}', { params: { path: { id, stage } }, body: body as never })).then(() => fresh(id))
    return {
      cancel: (id: string, reason: string) => must(api.PUT('/pipelines/{id}/cancel', { params: { path: { id }, query: { reason: reason || undefined } } })).then(() => fresh(id)),
      pause: (id: string) => told(atOnce(id, 'PAUSED', () => must(api.PUT('/pipelines/{id}/pause', { params: { path: { id } } })))),
      resume: (id: string) => told(atOnce(id, 'RUNNING', () => must(api.PUT('/pipelines/{id}/resume', { params: { path: { id } } })))),
      remove: (x: Execution) => must(api.DELETE('/pipelines/{id}', { params: { path: { id: x.id } } })).then(() => forget(client, x.application, x.id)),
      restart: (id: string, stage: string) => must(api.PUT('/pipelines/{id}/stages/{stage}/restart', { params: { path: { id, stage } } })).then(() => fresh(id)),
      judge: (id: string, stage: string, judgment: Judgment) => patch(id, stage, judgment),
      skipWait: (id: string, stage: string) => told(patch(id, stage, { skipRemainingWait: true })),
      skipStage: (id: string, stage: string) => patch(id, stage, { manualSkip: true }),
    }
  }, [client, say])
}
