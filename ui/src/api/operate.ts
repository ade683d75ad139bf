// Operations: what changes an application, an account or a fleet, done by the
// server as an execution of its own, and waited for here.
import { useCallback, useEffect, useRef } from 'react'
import { api, ApiError, must, type Schemas } from './client'
import { useEvents } from './feed'

export type Operation = Schemas['TaskBody']

const ended = new Set(['SUCCEEDED', 'TERMINAL', 'CANCELED', 'STOPPED', 'FAILED_CONTINUE', 'SKIPPED'])

/** isEnded tells whether an execution of this status changes no more. */
export const isEnded = (status: string) => ended.has(status)

/** personOf names who did something; nobody in particular stands in brackets. */
export const personOf = (user: unknown): string => String(user ?? 'somebody').replace(/^\[(.*)\]$/, '$1')

type Exception = { details?: { error?: string; errors?: unknown[]; hint?: string } }

/** failureOf returns why an operation did not succeed, in a sentence, and what to do. Pure. */
export function failureOf(o: Pick<Operation, 'name' | 'status' | 'steps' | 'execution'>): { message: string; hint?: string } | undefined {
  if (!isEnded(o.status) || o.status === 'SUCCEEDED') return undefined
  const failed = o.steps.find((s) => s.taskExceptionDetails)?.taskExceptionDetails as { exception?: Exception } | undefined
  const details = failed?.exception?.details
  const said = details?.errors?.map(String).filter(Boolean).join('; ') || details?.error
  if (said) return { message: said, hint: details?.hint }
  if (o.execution.canceled) {
    const why = o.execution.cancellationReason
    return { message: `${personOf(o.execution.canceledBy)} canceled it${why ? `: ${why}` : ''}.` }
  }
  return { message: `${o.name} ended as ${o.status}.` }
}

type Wanted = { application: string; description: string; job: Record<string, unknown>[] }

/**
 * useOperate returns a function that starts an operation and waits for its end:
 * it throws an ApiError if the operation is refused or fails. It learns of the
 * end by events, and so takes as long as the operation; started is called as
 * soon as the server has taken it.
 */
export function useOperate(): (wanted: Wanted, started?: (id: string) => void) => Promise<Operation> {
  const waiting = useRef(new Map<string, () => void>())
  useEvents((e) => {
    if (e.type === 'reset') for (const again of waiting.current.values()) again()
    else if (e.type === 'execution' && e.execution) waiting.current.get(e.execution)?.()
  })
  useEffect(() => {
    const map = waiting.current
    return () => map.clear()
  }, [])
  return useCallback(async (wanted, started) => {
    const { ref } = await must(api.POST('/tasks', { body: wanted }))
    const id = ref.slice(ref.lastIndexOf('/') + 1)
    started?.(id)
    try {
      for (;;) {
        const changed = new Promise<void>((again) => waiting.current.set(id, again))
        const operation = await must(api.GET('/tasks/{id}', { params: { path: { id } } }))
        if (operation.status === 'SUCCEEDED') return operation
        const failure = failureOf(operation)
        if (failure) throw new ApiError(-1, failure.message, failure.hint)
        await changed
      }
    } finally {
      waiting.current.delete(id)
    }
  }, [])
}
