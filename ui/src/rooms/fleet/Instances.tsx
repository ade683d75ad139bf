// The instances of a server group: those that need a look come first.
import { useState } from 'react'
import type { Schemas } from '~/api/client'
import { Button } from '~/kit/button'
import { Confirm } from '~/kit/dialog'
import { Facts } from '~/kit/page'
import { StatusBadge, StatusIcon, toneOf, wordOf } from '~/kit/status'
import { Ago } from '~/kit/time'
import { useBegin } from './begin'
import { bare, type Group, type Row } from './model'
import { terminate } from './operations'
import css from './pane.module.css'

type Instance = Schemas['Instance']

/** How many are listed; a strip shows them all. */
const most = 200

const order = ['bad', 'wait', 'run', 'stop', 'idle', 'ok']

type Props = { group: Group; row?: Row; chosen?: string; onChoose: (name: string | undefined) => void; onLogs: () => void }

export function Instances({ group: g, row, chosen, onChoose, onLogs }: Props) {
  const sorted = g.instances.toSorted((a, b) => Number(b.name === chosen) - Number(a.name === chosen) || order.indexOf(toneOf(a.healthState)) - order.indexOf(toneOf(b.healthState)) || a.name.localeCompare(b.name))
  const there = !chosen || g.instances.some((i) => i.name === chosen)
  return (
    <>
      {!there && <p className={css.gone}>{bare(chosen)} is gone: it was stopped, or replaced.</p>}
      <ul className={css.list}>
        {sorted.slice(0, most).map((i) => (
          <li key={i.name}>
            <button type="button" className={css.instance} aria-expanded={i.name === chosen} onClick={() => onChoose(i.name === chosen ? undefined : i.name)}>
              <StatusIcon status={i.healthState} size={13} />
              <span className={css.instanceName}>{bare(i.name)}</span>
              <span className={css.when}>
                <Ago at={i.launchTime} />
              </span>
              {i.reason && <span className={css.reason}>{i.reason}</span>}
            </button>
            {i.name === chosen && <Details instance={i} row={row} onLogs={onLogs} />}
          </li>
        ))}
      </ul>
      {sorted.length === 0 && <p className="muted">It has no instances.</p>}
      {sorted.length > most && <p className="muted">{sorted.length - most} more; point at the strip in the list to open one.</p>}
    </>
  )
}

/** saidOf says what one source says of an instance: a platform knows no more than that it runs. */
function saidOf(h: Schemas['Health']): string {
  const word = h.healthClass === 'platform' && h.state === 'Unknown' ? 'runs' : wordOf(h.state)
  return h.description ? `${word}: ${h.description}` : word
}

function Details({ instance: i, row, onLogs }: { instance: Instance; row?: Row; onLogs: () => void }) {
  const [asked, setAsked] = useState(false)
  const begin = useBegin()
  return (
    <div className={css.details}>
      <Facts
        of={[
          ['State', <StatusBadge key="" status={i.healthState} />],
          ['Address', i.address && <code>{i.address}</code>],
          ['PID', i.pid],
          ['Machine', i.node],
          ['Zone', i.availabilityZone],
          ['Restarts', i.restarts],
          ...i.health.map((h): [string, React.ReactNode] => [h.type, saidOf(h)]),
        ]}
      />
      {i.containers?.map((c) => (
        <Facts
          key={c.name}
          of={[
            ['Container', `${c.name}${c.init ? ' (init)' : ''}`],
            ['State', `${c.state}${c.reason ? `: ${c.reason}` : ''}${c.message ? ` (${c.message})` : ''}`],
            ['Image', <code key="">{c.image}</code>],
            ['Restarts', c.restarts],
          ]}
        />
      ))}
      <div className={css.quick}>
        <Button small onClick={onLogs}>
          Logs
        </Button>
        {row && (
          <Button small kind="danger" onClick={() => setAsked(true)}>
            Replace…
          </Button>
        )}
      </div>
      {row && (
        <Confirm open={asked} onClose={() => setAsked(false)} title={`Replace ${bare(i.name)}?`} verb="Replace" danger onConfirm={() => begin(terminate(row, i.name), `Another instance takes the place of ${bare(i.name)}.`)}>
          It finishes its requests and stops, then another instance starts in its place. Until then {bare(row.name)} has one instance fewer.
        </Confirm>
      )}
    </div>
  )
}
