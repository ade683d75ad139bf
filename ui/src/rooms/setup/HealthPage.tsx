import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { asError } from '~/api/client'
import { useLink } from '~/api/feed'
import { accounts } from '~/api/queries'
import { Card, Facts, Page, useTitle } from '~/kit/page'
import { Loaded, Note, Skeleton } from '~/kit/state'
import { StatusBadge } from '~/kit/status'
import { Ago, Took } from '~/kit/time'
import { standing, standingWords, type Account } from './account'
import { bytes, findings, type Finding } from './figures'
import { health, node, server } from './queries'
import css from './health.module.css'

const count = (n: number) => n.toLocaleString('en')

export default function HealthPage() {
  const link = useLink()
  const figures = useQuery(server())
  const local = useQuery(node())
  const up = useQuery(health())
  const places = useQuery(accounts())
  const offline = link === 'lost' || (figures.error !== null && asError(figures.error).offline)
  const found = findings({ health: up.data, server: figures.data, node: local.data, accounts: places.data })
  const status = offline || found.some((f) => f.tone === 'bad') ? 'Down' : found.length > 0 ? 'SUSPENDED' : 'Up'
  useTitle('Health', status === 'Up' ? undefined : status, status === 'Down' ? 'Down' : undefined)
  return (
    <Page title="Health" sub="The server, its database, and the node of this machine.">
      {offline ? <Note tone="bad">The server does not answer. These are its last figures.</Note> : <Verdict ready={up.data !== undefined && figures.data !== undefined} found={found} />}
      <div className={css.cards}>
        <Card title="Server">
          <Loaded query={figures} skeleton={<Skeleton rows={5} height={26} />}>
            {(s) => (
              <Facts
                of={[
                  ['Version', s.version],
                  ['Up for', <Took from={s.startedAt} />],
                  ['Memory', `${bytes(s.memory.rssBytes || s.memory.sysBytes)}, of these ${bytes(s.memory.heapBytes)} in use`],
                  ['Goroutines', count(s.goroutines)],
                  ['Process', s.pid],
                  ['Built with', s.goVersion],
                  ['Data', <code>{s.dataDirectory}</code>],
                ]}
              />
            )}
          </Loaded>
        </Card>
        <Card title="Work">
          <Loaded query={figures} skeleton={<Skeleton rows={4} height={26} />}>
            {(s) => (
              <Facts
                of={[
                  ['Running', count(s.executions.running)],
                  ['Queued', count(s.executions.buffered)],
                  ['Paused', count(s.executions.paused)],
                  ['Stored', `${count(s.executions.stored)} executions`],
                  ['Database', bytes(s.database.bytes)],
                  ['Not yet in its file', bytes(s.database.walBytes)],
                  ['Event readers', count(s.events.readers)],
                  ['Events held', `${count(s.events.held)} (${bytes(s.events.bytes)})`],
                ]}
              />
            )}
          </Loaded>
        </Card>
        <Card title="Node of this machine" actions={local.data && <StatusBadge status={local.data.state === 'UP' ? 'Up' : 'Down'}>{local.data.state === 'UP' ? 'up' : local.data.state.toLowerCase()}</StatusBadge>}>
          <Loaded query={local} skeleton={<Skeleton rows={4} height={26} />}>
            {(n) => (
              <Facts
                of={[
                  ['Instances', count(n.instances)],
                  ['Load balancers', count(n.loadBalancers)],
                  ['Jobs', count(n.jobs)],
                  ['Version', n.version],
                  ['Up for', n.since && <Took from={n.since} />],
                  ['Process', n.pid],
                ]}
              />
            )}
          </Loaded>
        </Card>
        <Card
          title="Accounts"
          actions={
            <Link to="/accounts" className={css.link}>
              All accounts
            </Link>
          }
        >
          <Loaded query={places} skeleton={<Skeleton rows={3} height={26} />}>
            {(list) => (
              <ul className={css.accounts}>
                {list.slice(0, 12).map((a) => (
                  <li key={a.name}>
                    <Link to="/accounts" search={{ account: a.name }}>
                      {a.name}
                    </Link>
                    {a.state.since && <Ago at={a.state.since} />}
                    <Standing account={a} />
                  </li>
                ))}
              </ul>
            )}
          </Loaded>
        </Card>
      </div>
    </Page>
  )
}

function Standing({ account }: { account: Account }) {
  const { status } = standing(account, 0)
  return <StatusBadge status={status}>{standingWords[status]}</StatusBadge>
}

/** Verdict says what is wrong in sentences, or that nothing is. */
function Verdict({ ready, found }: { ready: boolean; found: Finding[] }) {
  if (found.length === 0) return ready ? <Note tone="ok">All is well.</Note> : <Note>Asking the server how it is…</Note>
  return (
    <div className={css.findings} role="status">
      {found.map((f) => (
        <Note key={f.says} tone={f.tone} action={f.to && <Link to={f.to} className={css.link}>Look</Link>}>
          <p>{f.says}</p>
          {f.hint && <p className="muted">{f.hint}</p>}
        </Note>
      ))}
    </div>
  )
}
