import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'

/** ExecutionLink leads to an execution of a pipeline, or to an operation among the tasks. */
export function ExecutionLink({ app, id, task, className, children }: { app: string; id: string; task: boolean; className?: string; children: ReactNode }) {
  return task ? (
    <Link to="/applications/$app/tasks" params={{ app }} search={{ id }} className={className}>
      {children}
    </Link>
  ) : (
    <Link to="/applications/$app/executions/$id" params={{ app, id }} className={className}>
      {children}
    </Link>
  )
}
