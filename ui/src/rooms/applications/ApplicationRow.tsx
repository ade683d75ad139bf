import { Link } from '@tanstack/react-router'
import { memo } from 'react'
import { Sparkline } from '~/kit/spark'
import { StatusBadge, StatusIcon } from '~/kit/status'
import { Ago } from '~/kit/time'
import { healthOf, type Row } from './rows'
import css from './applications.module.css'

/** ApplicationRow is a line of the list; all of it leads to the application. */
export const ApplicationRow = memo(function ApplicationRow({ row, starred, onStar }: { row: Row; starred: boolean; onStar: (name: string) => void }) {
  return (
    <div className={`${css.columns} ${css.row}`}>
      <div className={css.what}>
        <button type="button" className={css.star} aria-pressed={starred} aria-label={`Star ${row.name}`} onClick={() => onStar(row.name)}>
          <svg width="14" height="14" viewBox="0 0 16 16" aria-hidden>
            <path d="M8 1.6l2 4.2 4.6.6-3.4 3.2.9 4.6L8 12l-4.1 2.2.9-4.6L1.4 6.4 6 5.8z" />
          </svg>
        </button>
        <div className={css.names}>
          <Link to="/applications/$app" params={{ app: row.name }} className={css.name}>
            {row.name}
          </Link>
          <div className={css.about}>{row.description || row.email || (row.saved ? row.cloudProviders.join(', ') : 'Runs, but has no attributes')}</div>
        </div>
      </div>
      <Health row={row} />
      <div className={css.now}>
        {row.waiting > 0 && <StatusBadge status="SUSPENDED">{row.waiting} waiting</StatusBadge>}
        {row.running - row.waiting > 0 && <StatusBadge status="RUNNING">{row.running - row.waiting} running</StatusBadge>}
      </div>
      <div className={css.runs}>{row.runs.length > 0 ? <Sparkline runs={row.runs} /> : <span className="muted">No runs yet</span>}</div>
      <div className={css.last}>{row.lastDeployment ? <Ago at={row.lastDeployment} /> : <span className="muted">–</span>}</div>
    </div>
  )
})

const parts = [
  ['up', 'Up'],
  ['starting', 'Starting'],
  ['down', 'Down'],
  ['failed', 'Failed'],
  ['unknown', 'Unknown'],
  ['outOfService', 'OutOfService'],
  ['succeeded', 'Succeeded'],
] as const

const tones = { Up: 'ok', Starting: 'run', Down: 'bad', Failed: 'bad', Unknown: 'stop', OutOfService: 'idle', Succeeded: 'ok' } as const

/** Health is how many instances there are, and how they are: a word, a shape and a bar. */
function Health({ row }: { row: Row }) {
  const { health } = row
  if (health.total === 0) return <div className={`${css.health} muted`}>{row.serverGroups > 0 ? `${row.serverGroups} server groups, empty` : '–'}</div>
  const said = parts.filter(([k]) => health[k] > 0).map(([k, name]) => `${health[k]} ${name === 'OutOfService' ? 'out of service' : name.toLowerCase()}`)
  return (
    <div className={css.health} title={said.join(', ')}>
      <div className={css.sum}>
        <StatusIcon status={healthOf(health)} size={13} />
        <span>
          {health.up}/{health.total} up
        </span>
        <span className={css.groups}>
          {row.serverGroups} {row.serverGroups === 1 ? 'group' : 'groups'}
        </span>
      </div>
      <div className={css.meter} aria-hidden>
        {parts.map(([k, name]) => health[k] > 0 && <span key={k} data-tone={tones[name]} style={{ flexGrow: health[k] }} />)}
      </div>
    </div>
  )
}
