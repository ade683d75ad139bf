import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { Button } from '~/kit/button'
import { Page, useTitle } from '~/kit/page'
import { Empty, ErrorBox, Loaded, Skeleton } from '~/kit/state'
import { StatusIcon } from '~/kit/status'
import { BeginProvider } from './begin'
import { CreateBalancer } from './CreateBalancer'
import { FacetPanel } from './FacetPanel'
import { active, narrow } from './facets'
import css from './network.module.css'
import fleet from './fleet.module.css'
import { addresses, backendsOf, facetedBalancer, facetedFirewall, firewallsIn, type Balancer, type Firewall } from './network'
import { BalancerPane, FirewallPane } from './NetworkPane'
import { bare, parseRef, refOf } from './model'
import { Lost } from './Lost'
import { accounts, balancers, objects } from './queries'
import { cleared, toggled, type NetworkSearch } from './search'
import { Ribbon, TrafficProvider } from './traffic'

const route = getRouteApi('/applications/$app/network')
const facetNames = ['account', 'region', 'kind', 'provider'] as const

export default function NetworkPage() {
  const { app } = route.useParams()
  return (
    <TrafficProvider app={app}>
      <BeginProvider>
        <Network key={app} app={app} />
      </BeginProvider>
    </TrafficProvider>
  )
}

function Network({ app }: { app: string }) {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/applications/$app/network' })
  const change = (f: (s: NetworkSearch) => NetworkSearch, replace = true) => void navigate({ search: f, replace })
  const query = useQuery(balancers(app))
  const places = useQuery({ ...accounts(), retry: false })
  const clusters = places.data?.filter((a) => a.cloudProvider === 'kubernetes') ?? []
  // Where nothing was ever heard of a cluster, there is nothing to ask for: Lost says so.
  const rest = useQuery({ ...objects(app), enabled: places.isError || clusters.some((a) => a.state.connected || a.state.objects) })
  const [making, setMaking] = useState(false)
  const all = useMemo(() => (query.data ?? []).map(facetedBalancer), [query.data])
  const walls = useMemo(() => firewallsIn(rest.data ?? []).map(facetedFirewall), [rest.data])
  const left = useMemo(() => narrow<Balancer | Firewall>([...all, ...walls], search, facetNames), [all, walls, search])
  const shown = new Set(left.items)
  const lb = query.data?.find((b) => refOf(b) === search.lb)
  const firewall = parseRef(search.fw)
  useTitle(`${app} load balancers`)
  return (
    <div className={fleet.split}>
      <div className={fleet.main}>
        <Page title="Load balancers" sub={`What gets requests for ${app}, and passes them on`} actions={<Button onClick={() => setMaking(true)}>Create…</Button>} fill>
          <Loaded query={query} skeleton={<Skeleton rows={6} height={56} />}>
            {(data) => (
              <div className={fleet.columns}>
                <FacetPanel
                  facets={left.facets}
                  q={search.q ?? ''}
                  active={active(search, facetNames)}
                  onText={(q) => change((s) => ({ ...s, q: q || undefined }))}
                  onToggle={(name, value) => change((s) => toggled(s, name, value))}
                  onClear={() => change(cleared)}
                />
                <div className={css.lists} tabIndex={0} role="region" aria-label="Load balancers and firewalls">
                  <Lost app={app} rows={data} />
                  {data.length === 0 ? (
                    <Empty title="No load balancers" action={<Button onClick={() => setMaking(true)}>Create one…</Button>}>
                      Without one, instances are reached at their own addresses, and traffic cannot move between versions.
                    </Empty>
                  ) : (
                    <ul className={css.list}>
                      {data
                        .filter((b) => shown.has(b))
                        .map((b) => (
                          <BalancerRow key={refOf(b)} lb={b} open={b === lb} onOpen={() => change((s) => ({ ...s, lb: refOf(b), fw: undefined }), false)} />
                        ))}
                    </ul>
                  )}
                  {rest.isError && <ErrorBox error={rest.error} retry={() => void rest.refetch()} />}
                  {walls.length > 0 && (
                    <section className={css.walls}>
                      <h2>Firewalls</h2>
                      <ul className={css.list}>
                        {walls
                          .filter((w) => shown.has(w.item))
                          .map(({ item: w }) => (
                            <li key={refOf(w)} className={css.wall} data-open={refOf(w) === search.fw || undefined}>
                              <button type="button" className={css.name} aria-expanded={refOf(w) === search.fw} onClick={() => change((s) => ({ ...s, fw: refOf(w), lb: undefined }), false)}>
                                {bare(w.name)}
                              </button>
                              <span className="muted">
                                {w.account}, {w.region}
                              </span>
                            </li>
                          ))}
                      </ul>
                    </section>
                  )}
                </div>
              </div>
            )}
          </Loaded>
        </Page>
      </div>
      {search.lb && <BalancerPane key={search.lb} app={app} lb={lb} loading={query.isPending} onClose={() => change((s) => ({ ...s, lb: undefined }))} />}
      {firewall && <FirewallPane key={search.fw} app={app} at={firewall} onClose={() => change((s) => ({ ...s, fw: undefined }))} />}
      {making && <CreateBalancer app={app} onClose={() => setMaking(false)} />}
    </div>
  )
}

function BalancerRow({ lb, open, onOpen }: { lb: Balancer; open: boolean; onOpen: () => void }) {
  const behind = useMemo(() => backendsOf(lb), [lb])
  const serving = behind.filter((b) => b.inService > 0)
  return (
    <li className={css.row} data-open={open || undefined}>
      <div className={css.head}>
        <StatusIcon status={lb.reason ? 'down' : serving.length > 0 ? 'up' : 'empty'} label={lb.reason ? 'does not listen' : serving.length > 0 ? 'passes requests on' : 'has nothing in service'} size={14} />
        <button type="button" className={css.name} aria-expanded={open} onClick={onOpen}>
          {bare(lb.name)}
        </button>
        {lb.kind && <span className="muted">{lb.kind}</span>}
        <code className={css.listen}>{addresses(lb).join('; ') || 'no address'}</code>
        <span className={css.place}>
          {lb.account}, {lb.region}
        </span>
      </div>
      {lb.reason && (
        <p className={css.reason} data-tone="bad">
          {lb.reason}
        </p>
      )}
      {behind.length > 0 ? <Ribbon behind={behind} balancer={lb.name} label={`${behind.length} behind`} /> : <p className="muted">No server group stands behind it.</p>}
    </li>
  )
}
