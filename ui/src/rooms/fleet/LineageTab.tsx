// The versions of a cluster, newest first: who made each, what of, and why.
import { useQuery } from '@tanstack/react-query'
import { Button } from '~/kit/button'
import { Loaded } from '~/kit/state'
import { StatusIcon, wordOf } from '~/kit/status'
import { Ago } from '~/kit/time'
import type { Act } from './actions'
import { ExecutionLink } from './ExecutionLink'
import { lineage, userOf, type Version } from './lineage'
import { refOf, short, siblings, versionOf, type Row } from './model'
import css from './pane.module.css'
import { deployments, tasks } from './queries'

type Props = { app: string; row: Row; rows: Row[]; onOpen: (row: Row) => void; onAct: Act }

export function LineageTab({ app, row, rows, onOpen, onAct }: Props) {
  const around = siblings(rows, row)
  const query = useQuery(deployments(app, around.map(refOf).join()))
  const operations = useQuery(tasks(app))
  const changes = (operations.data ?? []).filter((t) => t.variables.some((v) => v.key === 'serverGroupName' && v.value === row.name))
  return (
    <div className={css.stack}>
      <Loaded query={query}>
        {(executions) => (
          <ol className={css.list}>
            {lineage({ account: row.account, name: row.cluster }, around, executions)
              .filter((v) => v.region === row.region)
              .map((v) => (
                <Entry key={v.name} app={app} version={v} current={v.row === row} onOpen={onOpen} />
              ))}
          </ol>
        )}
      </Loaded>
      {changes.length > 0 && (
        <section>
          <h3>Changes by hand</h3>
          <ol className={css.list}>
            {changes.map((t) => (
              <li key={t.id} className={css.entry}>
                <StatusIcon status={t.status} size={13} />
                <div>
                  <ExecutionLink app={app} id={t.id} task className={css.link}>
                    {t.name}
                  </ExecutionLink>
                  <p className="muted">{userOf(t.execution)}</p>
                </div>
                <span className={css.when}>
                  <Ago at={t.startTime ?? t.buildTime} />
                </span>
              </li>
            ))}
          </ol>
        </section>
      )}
      {around.length > 1 && (
        <div>
          <Button small onClick={() => onAct('rollback', row)}>
            Roll back from {versionOf(row)}…
          </Button>
        </div>
      )}
    </div>
  )
}

function Entry({ app, version: v, current, onOpen }: { app: string; version: Version; current: boolean; onOpen: (row: Row) => void }) {
  const name = versionOf({ name: v.name, version: v.number })
  const { row, origin } = v
  return (
    <li className={css.entry} data-current={current || undefined} data-gone={row ? undefined : true}>
      {row ? <StatusIcon status={row.status} size={13} /> : <StatusIcon status={origin?.status === 'TERMINAL' ? 'TERMINAL' : 'CANCELED'} label="gone" size={13} />}
      <div>
        {row && !current ? (
          <button type="button" className={css.version} onClick={() => onOpen(row)}>
            {name}
          </button>
        ) : (
          <b>{name}</b>
        )}{' '}
        {v.artifact && <code title={v.artifact}>{short(v.artifact)}</code>} <span className="muted">{row ? wordOf(row.status) : 'gone'}</span>
        {origin ? (
          <p>
            <ExecutionLink app={app} id={origin.execution} task={origin.task} className={css.link}>
              {origin.pipeline}
            </ExecutionLink>{' '}
            <span className="muted">
              {origin.why}, {origin.user}
            </span>
          </p>
        ) : (
          <p className="muted">Who made it is not known: none of the newest executions did.</p>
        )}
        {origin?.failure && (
          <p className={css.failure} data-tone="bad">
            {origin.failure}
          </p>
        )}
      </div>
      <span className={css.when}>
        <Ago at={row?.createdTime ?? origin?.at} />
      </span>
    </li>
  )
}

