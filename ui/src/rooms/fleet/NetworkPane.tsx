// The details of a load balancer, or of a firewall.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { Button } from '~/kit/button'
import { Confirm, Pane } from '~/kit/dialog'
import { Facts } from '~/kit/page'
import { Empty, Loaded, Note, Skeleton } from '~/kit/state'
import { StatusIcon } from '~/kit/status'
import { Ago } from '~/kit/time'
import { useBegin } from './begin'
import { CreateBalancer } from './CreateBalancer'
import { bare, refOf, versionOf, type Ref } from './model'
import { addresses, backendsOf, deleting, remove, ruleText, type Balancer } from './network'
import css from './pane.module.css'
import { firewall } from './queries'
import { latency, percent, perSecond, split } from './rates'
import { useMeasured } from './traffic'

export function BalancerPane({ app, lb, loading, onClose }: { app: string; lb?: Balancer; loading: boolean; onClose: () => void }) {
  const title = <h2 className={css.title}>{lb ? bare(lb.name) : 'Load balancer'}</h2>
  return (
    <Pane onClose={onClose} title={title}>
      {lb ? <Details app={app} lb={lb} onGone={onClose} /> : loading ? <Skeleton /> : <Empty title="It is gone">There is no such load balancer, or not any more.</Empty>}
    </Pane>
  )
}

function Details({ app, lb, onGone }: { app: string; lb: Balancer; onGone: () => void }) {
  const [asked, setAsked] = useState<'delete' | 'change'>()
  const begin = useBegin()
  const { slices, total } = split(backendsOf(lb), lb.name, useMeasured())
  const ours = lb.cloudProvider === 'local'
  return (
    <div className={css.stack}>
      {ours && (
        <div className={css.quick}>
          <Button small onClick={() => setAsked('change')}>
            Change…
          </Button>
          <Button small kind="danger" onClick={() => setAsked('delete')}>
            Delete…
          </Button>
        </div>
      )}
      {lb.reason && <Note tone="bad">{lb.reason}</Note>}
      {lb.asOf ? (
        <Note tone="wait">
          The account does not answer: this is how it was <Ago at={lb.asOf} />.
        </Note>
      ) : null}
      <Facts
        of={[
          ['Kind', lb.kind],
          ['Account', lb.account],
          ['Region', lb.region],
          ['Listens on', addresses(lb).map((a) => <code key={a}>{a}</code>)],
          ['Owner', lb.application],
          ['Made', lb.createdTime && <Ago at={lb.createdTime} />],
          ['Now', total && `${perSecond(total.requests)}, ${percent(total.errors / total.requests)} errors, ${latency(total.latencyMs)}`],
          ['Since made', lb.traffic && `${lb.traffic.requests.toLocaleString()} requests, ${lb.traffic.errors.toLocaleString()} errors`],
        ]}
      />
      <section>
        <h3>Behind it</h3>
        {slices.length === 0 && <p className="muted">No server group.</p>}
        <ol className={css.list}>
          {slices.toReversed().map(({ of, rate, measured, desired }) => (
            <li key={refOf(of)} className={css.entry}>
              <StatusIcon status={of.inService > 0 ? 'up' : 'disabled'} size={13} />
              <div>
                <Link to="/applications/$app" params={{ app }} search={{ sg: refOf(of) }} className={css.link}>
                  {versionOf(of)}
                </Link>{' '}
                <span className="muted">
                  {of.inService} in service, weight {of.weight}
                </span>
                <p className="muted">
                  {measured === undefined ? `${percent(desired)} wanted` : `${percent(measured)} measured, ${percent(desired)} wanted`}
                  {rate && rate.requests > 0 && `; ${percent(rate.errors / rate.requests)} errors, ${latency(rate.latencyMs)}`}
                </p>
              </div>
              <span className={css.when}>{rate ? perSecond(rate.requests) : ''}</span>
            </li>
          ))}
        </ol>
      </section>
      <Confirm open={asked === 'delete'} onClose={() => setAsked(undefined)} title={`Delete ${bare(lb.name)}?`} verb="Delete" danger typed={slices.some((s) => s.of.inService > 0) ? bare(lb.name) : undefined} onConfirm={() => begin(remove(app, lb), `${bare(lb.name)} was deleted.`).then(onGone)}>
        {deleting(lb, total?.requests).map((s) => (
          <p key={s}>{s}</p>
        ))}
      </Confirm>
      {asked === 'change' && <CreateBalancer app={app} lb={lb} onClose={() => setAsked(undefined)} />}
    </div>
  )
}

export function FirewallPane({ app, at, onClose }: { app: string; at: Ref; onClose: () => void }) {
  const query = useQuery(firewall(app, at))
  return (
    <Pane onClose={onClose} title={<h2 className={css.title}>{bare(at.name)}</h2>}>
      <Loaded query={query}>
        {(f) => (
          <div className={css.stack}>
            <Facts
              of={[
                ['Kind', f.kind],
                ['Account', f.account],
                ['Region', f.region],
                ['Made', f.createdTime && <Ago at={f.createdTime} />],
                ['Lets in', rules(f.inboundRules)],
                ['Lets out', rules(f.outboundRules)],
                ['Protects', f.serverGroups?.map((g) => <div key={g}>{bare(g)}</div>)],
              ]}
            />
          </div>
        )}
      </Loaded>
    </Pane>
  )
}

const rules = (all: Parameters<typeof ruleText>[0][]) => (all.length === 0 ? 'nothing said' : all.map((r, i) => <div key={i}>{ruleText(r)}</div>))
