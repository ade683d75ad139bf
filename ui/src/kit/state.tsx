// The honest states of a page: loading, empty, failed, stale.
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { asError, type ApiError } from '~/api/client'
import { Button } from './button'
import css from './state.module.css'
import { StatusIcon } from './status'

/** Skeleton holds the place of rows that are on their way. */
export function Skeleton({ rows = 6, height = 36 }: { rows?: number; height?: number }) {
  return (
    <div className={css.skeleton} role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} style={{ height: height - 12, width: `${92 - ((i * 37) % 40)}%` }} />
      ))}
    </div>
  )
}

/** Empty says that there is nothing, why, and what could be done. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className={css.empty}>
      <h2>{title}</h2>
      {children && <div className="muted">{children}</div>}
      {action}
    </div>
  )
}

/** ErrorBox shows one sentence of cause, what to do, and each problem with its place. */
export function ErrorBox({ error, retry }: { error: unknown; retry?: () => void }) {
  const e: ApiError = asError(error)
  return (
    <div className={css.error} role="alert" data-tone="bad">
      <StatusIcon status="TERMINAL" label="" />
      <div>
        <p>{e.message}</p>
        {e.hint && <p className="muted">{e.hint}</p>}
        {e.problems.length > 1 && (
          <ul>
            {e.problems.slice(0, 20).map((p, i) => (
              <li key={i}>
                {p.path && <code>{p.path}</code>} {p.message}
              </li>
            ))}
          </ul>
        )}
      </div>
      {retry && (
        <Button small onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  )
}

/** Note is a sentence that stands out: info, wait (careful), bad or ok. */
export function Note({ tone = 'idle', children, action }: { tone?: 'idle' | 'run' | 'wait' | 'bad' | 'ok'; children: ReactNode; action?: ReactNode }) {
  return (
    <div className={css.note} data-tone={tone}>
      <div>{children}</div>
      {action}
    </div>
  )
}

type LoadedProps<T> = { query: UseQueryResult<T>; skeleton?: ReactNode; children: (data: T) => ReactNode }

/**
 * Loaded shows what was asked for, a skeleton until it is there, and an error
 * instead of it; beside it if there is something older to show.
 */
export function Loaded<T>({ query, skeleton, children }: LoadedProps<T>) {
  const retry = () => void query.refetch()
  if (query.data !== undefined) {
    const e = query.error ? asError(query.error) : undefined
    return (
      <>
        {e && !e.offline && (e.status === 404 ? <Note tone="wait">This does not exist any more. What you see is how it was last.</Note> : <ErrorBox error={e} retry={retry} />)}
        {children(query.data)}
      </>
    )
  }
  if (query.isError) {
    const e = asError(query.error)
    if (e.status === 404) return <Empty title="Not found">{e.message}</Empty>
    if (e.status === 403)
      return (
        <Empty title="You may not see this">
          {e.message} {e.hint}
        </Empty>
      )
    return <ErrorBox error={e} retry={retry} />
  }
  return skeleton ?? <Skeleton />
}
