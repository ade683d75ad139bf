import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useCallback, useMemo, useState } from 'react'
import { serverGroups } from '~/api/queries'
import { useKeys } from '~/kit/keys'
import { VirtualList } from '~/kit/list'
import { Page, useTitle } from '~/kit/page'
import { Empty, Loaded, Skeleton } from '~/kit/state'
import { ActionDialog } from './ActionDialog'
import { actions, type Act } from './actions'
import { BeginProvider } from './begin'
import { columnsIn, extent } from './boxes'
import { AccountHead, ClusterHead } from './ClusterHead'
import { active, narrow, type Faceted } from './facets'
import { FacetPanel } from './FacetPanel'
import css from './fleet.module.css'
import { GroupPane } from './GroupPane'
import { GroupRow, inRow, stripWidth } from './GroupRow'
import { Lost } from './Lost'
import { balancersOf, clusters, inService, itemKey, items, parseRef, parts, refOf, siblings, type Item, type Row } from './model'
import { whyNot, type Action } from './operations'
import rows from './rows.module.css'
import { RunningStrip } from './RunningStrip'
import { cleared, toggled, type FleetSearch, type PaneTab } from './search'
import { TrafficProvider } from './traffic'
import { useWidth } from './width'

const route = getRouteApi('/applications/$app/')
const facetNames = ['status', 'account', 'region', 'cluster', 'stack', 'detail', 'provider'] as const

/** faceted says by what a server group is found. */
function faceted(r: Row): Faceted<Row> {
  const facets = { account: r.account, region: r.region, cluster: r.cluster, status: r.status, provider: r.cloudProvider, ...parts(r) }
  return { item: r, facets, text: [r.name, r.account, r.region, ...r.images, ...r.loadBalancers].join(' ').toLowerCase() }
}

export default function FleetPage() {
  const { app } = route.useParams()
  return (
    <TrafficProvider app={app}>
      <BeginProvider>
        <Fleet key={app} app={app} />
      </BeginProvider>
    </TrafficProvider>
  )
}

type Asked = { action: Action; row: Row }

function Fleet({ app }: { app: string }) {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/applications/$app/' })
  const change = useCallback((f: (s: FleetSearch) => FleetSearch, replace = true) => void navigate({ search: f, replace }), [navigate])
  const query = useQuery(serverGroups(app))
  const [asked, setAsked] = useState<Asked>()
  const open = parseRef(search.sg)
  const all = useMemo(() => query.data ?? [], [query.data])
  const question = asked ? { ...asked, row: all.find((r) => refOf(r) === refOf(asked.row)) ?? asked.row } : linked(search, all)
  const onOpen = useCallback((row: Row, instance?: string) => change((s) => ({ ...s, sg: refOf(row), in: instance || undefined, tab: instance ? 'instances' : s.tab === 'events' ? undefined : s.tab }), false), [change])
  const onAct = useCallback<Act>((action, row) => setAsked({ action, row }), [])
  const bad = all.some((r) => r.status === 'down')
  useTitle(app, bad ? 'down' : undefined, bad ? 'down' : undefined)
  return (
    <div className={css.split}>
      <div className={css.main}>
        <Page title={app} sub={query.data && <Summary rows={query.data} />} fill>
          <RunningStrip app={app} />
          <Lost app={app} rows={all} />
          <Loaded query={query} skeleton={<Skeleton rows={8} height={44} />}>
            {(data) =>
              data.length === 0 ? (
                <Nothing app={app} />
              ) : (
                <List rows={data} search={search} change={change} onOpen={onOpen} onAct={onAct} />
              )
            }
          </Loaded>
        </Page>
      </div>
      {open && (
        <GroupPane
          key={search.sg}
          app={app}
          at={open}
          known={query.data}
          instance={search.in}
          tab={search.tab}
          onTab={(tab: PaneTab) => change((s) => ({ ...s, tab }))}
          onInstance={(name) => change((s) => ({ ...s, in: name, tab: 'instances' }))}
          onOpen={(row) => onOpen(row)}
          onClose={() => change((s) => ({ ...s, sg: undefined, in: undefined, tab: undefined, do: undefined }))}
          onAct={onAct}
        />
      )}
      {question && (
        <ActionDialog
          key={question.action + refOf(question.row)}
          {...question}
          rows={all}
          onClose={() => {
            setAsked(undefined)
            if (search.do) change((s) => ({ ...s, do: undefined }))
          }}
        />
      )}
    </div>
  )
}

/** linked is what an address asks to do with a server group. */
function linked(search: FleetSearch, all: Row[]): Asked | undefined {
  const row = all.find((r) => refOf(r) === search.sg)
  return row && search.do && { action: search.do, row }
}

function Summary({ rows }: { rows: Row[] }) {
  const instances = rows.reduce((n, r) => n + r.instances.length, 0)
  const serving = rows.reduce((n, r) => n + inService(r), 0)
  return (
    <span className={css.summary}>
      {rows.length} server {rows.length === 1 ? 'group' : 'groups'} · {serving.toLocaleString()} of {instances.toLocaleString()} instances in service
    </span>
  )
}

function Nothing({ app }: { app: string }) {
  return (
    <Empty
      title="Nothing runs here"
      action={
        <Link to="/applications/$app/pipelines" params={{ app }} className={css.action}>
          To the pipelines
        </Link>
      }
    >
      {app} has no server groups in any account. A pipeline with a deploy stage makes the first one.
    </Empty>
  )
}

type ListProps = { rows: Row[]; search: FleetSearch; change: (f: (s: FleetSearch) => FleetSearch) => void; onOpen: (row: Row, instance?: string) => void; onAct: Act }

function List({ rows: all, search, change, onOpen, onAct }: ListProps) {
  const [width, measure] = useWidth(900)
  const [at, setAt] = useState<string>()
  const found = useMemo(() => all.map(faceted), [all])
  const { items: left, facets } = useMemo(() => narrow(found, search, facetNames), [found, search])
  const arranged = useMemo(() => clusters(all), [all])
  const list = useMemo(() => {
    const shown = new Set(left)
    return items(arranged, (r) => shown.has(r))
  }, [arranged, left])
  const opened = search.sg ? `g ${search.sg}` : undefined
  const selected = at ?? opened
  const row = list.find((i) => i.kind === 'group' && itemKey(i) === selected)
  const height = useCallback((i: Item) => heightOf(i, width), [width])
  const select = (i: Item) => {
    setAt(itemKey(i))
    if (search.sg && i.kind === 'group') onOpen(i.row)
  }
  useActionKeys(row?.kind === 'group' ? row.row : undefined, all, onAct)
  return (
    <div className={css.columns}>
      <FacetPanel
        facets={facets}
        q={search.q ?? ''}
        active={active(search, facetNames)}
        onText={(q) => change((s) => ({ ...s, q: q || undefined }))}
        onToggle={(name, value) => change((s) => toggled(s, name, value))}
        onClear={() => change(cleared)}
      />
      <div className={css.list} ref={measure}>
        {list.length === 0 ? (
          <Empty title="Nothing fits these filters" action={<button type="button" className={css.action} onClick={() => change(cleared)}>Clear the filters</button>}>
            {all.length} server {all.length === 1 ? 'group is' : 'groups are'} hidden.
          </Empty>
        ) : (
          <>
            <ColumnHeads />
            <VirtualList items={list} label="Server groups" rowKey={itemKey} height={height} selected={selected} onSelect={select} skip={isHead} onOpen={(i) => i.kind === 'group' && onOpen(i.row)}>
              {(i) =>
                i.kind === 'account' ? (
                  <AccountHead account={i.account} asOf={i.asOf} clusters={i.clusters} />
                ) : i.kind === 'cluster' ? (
                  <ClusterHead cluster={i.cluster} />
                ) : (
                  <GroupRow row={i.row} cluster={i.cluster} width={width} open={search.sg === refOf(i.row)} onOpen={onOpen} onAct={onAct} />
                )
              }
            </VirtualList>
          </>
        )}
      </div>
    </div>
  )
}

const isHead = (i: Item) => i.kind !== 'group'

/** heightOf estimates how high a line is before it is seen. */
function heightOf(i: Item, width: number): number {
  if (i.kind === 'account') return 34
  if (i.kind === 'cluster') return 42 + 27 * balancersOf(i.cluster).length
  return i.row.instances.length > inRow ? 43 + extent(i.row.instances.length, columnsIn(stripWidth(width))).height : 35
}

function ColumnHeads() {
  return (
    <div className={`${rows.row} ${rows.columns}`} aria-hidden>
      <span className={rows.version}>Version</span>
      <span style={{ gridArea: 'image' }}>Artifact</span>
      <span className={rows.strip}>Instances</span>
      <span className={rows.flow}>Requests</span>
      <span className={rows.capacity}>Up</span>
      <span className={rows.age}>Made</span>
      <span className={rows.balancers}>Load balancer</span>
    </div>
  )
}

/** useActionKeys makes the keys act on the row that is selected. */
function useActionKeys(row: Row | undefined, all: Row[], onAct: Act) {
  const able = row ? actions.filter((a) => a.key && whyNot(a.action, row, siblings(all, row)) === undefined) : []
  useKeys(row ? row.name : 'Server group', Object.fromEntries(able.map((a) => [a.key, { does: a.label.replace('…', ''), run: () => row && onAct(a.action, row) }])))
}
