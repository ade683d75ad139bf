import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { api, must, type Schemas } from '~/api/client'
import { useEvents } from '~/api/feed'
import { Button } from '~/kit/button'
import { Confirm } from '~/kit/dialog'
import { Facts } from '~/kit/page'
import { Loaded, Note, Skeleton } from '~/kit/state'
import { StatusBadge } from '~/kit/status'
import { useSay } from '~/kit/toast'
import { sentence } from './account'
import { demo } from './queries'
import { counters, demoName, shares, type Counters, type Share } from './steps'
import css from './welcome.module.css'

type Status = Schemas['DemoStatus']

/** Demo loads a small world with traffic, and shows how it goes. */
export function Demo() {
  const query = useQuery(demo())
  const client = useQueryClient()
  // A run that goes on is a step of the demo.
  useEvents((e) => {
    if (e.type === 'execution' && e.application === demoName && !e.task) void client.invalidateQueries({ queryKey: demo().queryKey }, { cancelRefetch: false })
  })
  return (
    <Loaded query={query} skeleton={<Skeleton rows={4} />}>
      {(status) => (status.state === 'absent' ? <Offer onStatus={(s) => client.setQueryData(demo().queryKey, s)} /> : <World status={status} onStatus={(s) => client.setQueryData(demo().queryKey, s)} />)}
    </Loaded>
  )
}

type WithStatus = { onStatus: (s: Status) => void }

function useStart({ onStatus }: WithStatus) {
  const say = useSay()
  const [busy, setBusy] = useState(false)
  const start = async () => {
    setBusy(true)
    try {
      onStatus(await must(api.POST('/api/v1/demo')))
    } catch (e) {
      say.failed(e)
    } finally {
      setBusy(false)
    }
  }
  return { start, busy }
}

function Offer({ onStatus }: WithStatus) {
  const { start, busy } = useStart({ onStatus })
  return (
    <div className={css.demo}>
      <p>The demo deploys a small service four times on this machine, under a hundred requests a second: a first version, one that takes over by red/black, a bad one that is refused, and one that takes over gradually and waits for you.</p>
      <p className="muted">It makes the application “demo”, and goes away again without a trace.</p>
      <div>
        <Button kind="primary" busy={busy} onClick={() => void start()}>
          Load the demo
        </Button>
      </div>
    </div>
  )
}

const states: Record<string, { status: string; word: string }> = {
  absent: { status: 'NOT_STARTED', word: 'not there' },
  starting: { status: 'RUNNING', word: 'starting' },
  running: { status: 'Up', word: 'running' },
  stopping: { status: 'RUNNING', word: 'being taken away' },
  stopped: { status: 'TERMINAL', word: 'stopped' },
}

function World({ status, onStatus }: WithStatus & { status: Status }) {
  const { start, busy } = useStart({ onStatus })
  const [removing, setRemoving] = useState(false)
  const traffic = useTraffic()
  const { status: icon, word } = states[status.state] ?? { status: 'Unknown', word: status.state }
  const remove = async () => onStatus(await must(api.DELETE('/api/v1/demo')))
  return (
    <div className={css.demo}>
      <div className={css.state}>
        <StatusBadge status={icon}>{word}</StatusBadge>
        <span>{status.step ?? (status.state === 'running' && 'All is deployed: deploy more, or roll back.')}</span>
      </div>
      {status.reason && (
        <Note tone="bad" action={<Button small busy={busy} onClick={() => void start()}>Start again</Button>}>
          {sentence(status.reason)}
        </Note>
      )}
      {status.state === 'running' && <Ribbon shares={traffic} />}
      <Facts
        of={[
          ['Requests', `${status.sent.toLocaleString('en')} sent, ${status.rate} a second`],
          ['Lost', <span className={status.lost > 0 ? css.lost : undefined}>{status.lost.toLocaleString('en')}</span>],
          [
            'Address',
            status.address && (
              <a href={`http://${status.address}`} target="_blank" rel="noreferrer" className={css.link}>
                {status.address}
              </a>
            ),
          ],
        ]}
      />
      <div className={css.buttons}>
        <Link to="/applications/$app" params={{ app: demoName }} className={css.action}>
          Its fleet
        </Link>
        <Link to="/applications/$app/pipelines" params={{ app: demoName }} className={css.action}>
          Its pipelines
        </Link>
        {status.state !== 'stopping' && (
          <Button small kind="danger" onClick={() => setRemoving(true)}>
            Take it away…
          </Button>
        )}
      </div>
      <Confirm open={removing} onClose={() => setRemoving(false)} title="Take the demo away?" verb="Take away" danger onConfirm={remove}>
        <p>Its traffic ends, its server groups and load balancer are destroyed, and the application “demo” with its pipelines is deleted.</p>
      </Confirm>
    </div>
  )
}

/** useTraffic is how the demo's requests are shared between its versions, as its load balancer counts them. */
function useTraffic(): Share[] {
  const last = useRef<{ at: number; counted: Counters }>(undefined)
  const [now, setNow] = useState<Share[]>([])
  useEvents((e) => {
    if (e.type !== 'traffic' || e.application !== demoName || !e.traffic) return
    const at = e.at ?? Date.now()
    const counted = counters(e.traffic)
    if (last.current && at > last.current.at) setNow(shares(last.current.counted, counted, at - last.current.at))
    last.current = { at, counted }
  })
  return now
}

function Ribbon({ shares }: { shares: Share[] }) {
  return (
    <div className={css.ribbon}>
      <div className={css.bar} aria-hidden>
        {shares.map((s) => (
          <span key={s.name} style={{ flexGrow: s.share }} />
        ))}
      </div>
      {shares.length === 0 && <p className="muted">Its requests are counted in a second.</p>}
      <ul aria-label="Requests by server group">
        {shares.map((s) => (
          <li key={s.name}>
            <i aria-hidden />
            <span>{s.name}</span>
            <span>{Math.round(s.share * 100)} %</span>
            <span className="muted">{Math.round(s.perSecond)}/s</span>
            {s.errors > 0 && <span className={css.lost}>{s.errors} errors</span>}
          </li>
        ))}
      </ul>
    </div>
  )
}
