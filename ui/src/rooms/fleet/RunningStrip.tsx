// What is going on right now, as slim lines above the fleet.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { StatusIcon } from '~/kit/status'
import { Took } from '~/kit/time'
import { ExecutionLink } from './ExecutionLink'
import { lines, type Line } from './running'
import { running, tasks } from './queries'
import css from './running.module.css'

/** How many lines are shown; the rest is a link. */
const most = 4

export function RunningStrip({ app }: { app: string }) {
  const pipelines = useQuery(running(app))
  const operations = useQuery(tasks(app))
  const found: Line[] = lines([...(operations.data ?? []).map((t) => t.execution), ...(pipelines.data ?? [])])
  if (found.length === 0) return null
  return (
    <ul className={css.lines} aria-label="Under way now">
      {found.slice(0, most).map((l) => (
        <RunningLine key={l.id} app={app} line={l} />
      ))}
      {found.length > most && (
        <li className={css.line}>
          <Link to="/applications/$app/pipelines" params={{ app }} className="muted">
            {found.length - most} more under way
          </Link>
        </li>
      )}
    </ul>
  )
}

function RunningLine({ app, line }: { app: string; line: Line }) {
  const tone = line.waits ? 'wait' : 'run'
  return (
    <li className={css.line} data-tone={tone} data-waits={line.waits ? true : undefined}>
      <StatusIcon status={line.waits ? 'PAUSED' : line.status} label={line.waits ? 'waits for a person' : undefined} size={14} />
      <ExecutionLink app={app} id={line.id} task={line.task} className={css.name}>
        {line.name}
      </ExecutionLink>
      <span className={css.path} title={line.path.join(' › ')}>
        {line.path.join(' › ') || (line.status === 'RUNNING' ? 'between stages' : 'has not started')}
      </span>
      {line.waits && (
        <Link to="/applications/$app/executions/$id" params={{ app, id: line.waits.execution }} className={css.judge}>
          Waits for a person: judge
        </Link>
      )}
      <span className={css.since}>
        <Took from={line.since} />
      </span>
    </li>
  )
}
