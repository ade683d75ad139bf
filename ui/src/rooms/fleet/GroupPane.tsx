// The details of one server group, beside the list.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { lazy, Suspense, type ReactNode } from 'react'
import { Button, IconButton } from '~/kit/button'
import { Json } from '~/kit/code'
import { Pane } from '~/kit/dialog'
import { Menu } from '~/kit/menu'
import { Facts } from '~/kit/page'
import { Empty, Loaded, Note, Skeleton } from '~/kit/state'
import { StatusBadge } from '~/kit/status'
import { Tabs, type Tab } from '~/kit/tabs'
import { Ago } from '~/kit/time'
import { actionsOf, type Act } from './actions'
import { Happened } from './Happened'
import { Instances } from './Instances'
import { LineageTab } from './LineageTab'
import { bare, refOf, siblings, versionOf, type Group, type Ref, type Row } from './model'
import { whyNot, type Action } from './operations'
import css from './pane.module.css'
import { group } from './queries'
import type { PaneTab } from './search'
import { Flow } from './traffic'

const Logs = lazy(() => import('./Logs'))

type Props = {
  app: string
  at: Ref
  /** Nothing until it is known what there is. */
  known: Row[] | undefined
  instance?: string
  tab?: PaneTab
  onTab: (tab: PaneTab) => void
  onInstance: (name: string | undefined) => void
  onOpen: (row: Row) => void
  onClose: () => void
  onAct: Act
}

const none: Row[] = []

export function GroupPane({ app, at, known, instance, tab, onTab, onInstance, onOpen, onClose, onAct }: Props) {
  const rows = known ?? none
  const row = rows.find((r) => refOf(r) === refOf(at))
  const gone = known !== undefined && row === undefined
  // What is going, or gone, is not asked for any more.
  const query = useQuery({ ...group(app, at), enabled: !gone && row?.status !== 'destroying' })
  const details = (children: (g: Group) => ReactNode) => (gone && !query.data ? <Gone /> : <Loaded query={query}>{children}</Loaded>)
  const tabs: Tab<PaneTab>[] = [
    { key: 'overview', label: 'Overview', content: () => details((g) => <Overview app={app} group={g} row={row} rows={rows} />) },
    { key: 'instances', label: 'Instances', content: () => details((g) => <Instances group={g} row={row} chosen={instance} onChoose={onInstance} onLogs={() => onTab('logs')} />) },
    { key: 'lineage', label: 'Lineage', content: () => (row ? <LineageTab app={app} row={row} rows={rows} onOpen={onOpen} onAct={onAct} /> : <Gone />) },
  ]
  if (row && row.cloudProvider !== 'local') tabs.push({ key: 'events', label: 'Events', content: () => <Happened app={app} at={at} /> })
  tabs.push({
    key: 'logs',
    label: 'Logs',
    content: () => (
      <Suspense fallback={<Skeleton rows={8} height={24} />}>
        <Logs key={instance ?? ''} at={at} instance={instance} instances={row?.instances.map((i) => i.name) ?? []} onInstance={(name) => (onInstance(name), onTab('logs'))} />
      </Suspense>
    ),
  })
  return (
    <Pane
      onClose={onClose}
      title={
        <h2 className={css.title}>
          <span title={bare(at.name)}>{bare(at.name)}</span> {row && <StatusBadge status={row.status} />}
        </h2>
      }
      actions={
        row && (
          <Menu
            label="Actions"
            trigger={
              <IconButton small label="Actions">
                ⋯
              </IconButton>
            }
            items={actionsOf(row, rows, (action) => onAct(action, row))}
          />
        )
      }
    >
      {gone && query.data && <Note tone="wait">It does not exist any more. What you see is how it was last.</Note>}
      {row && <QuickActions row={row} rows={rows} onAct={onAct} />}
      {row?.asOf ? (
        <Note tone="wait">
          The account does not answer: this is how it was <Ago at={row.asOf} />.
        </Note>
      ) : null}
      <Tabs tabs={tabs} current={tab ?? (instance ? 'instances' : 'overview')} onChange={onTab} label="Details" />
    </Pane>
  )
}

function Gone() {
  return <Empty title="It is gone">The server group does not exist any more.</Empty>
}

const quick: { action: Action; label: string }[] = [
  { action: 'rollback', label: 'Roll back' },
  { action: 'resize', label: 'Resize' },
  { action: 'enable', label: 'Enable' },
  { action: 'disable', label: 'Disable' },
]

/** QuickActions are the buttons of what can be done now. */
function QuickActions({ row, rows, onAct }: { row: Row; rows: Row[]; onAct: Act }) {
  const around = siblings(rows, row)
  return (
    <div className={css.quick}>
      {quick
        .filter((q) => whyNot(q.action, row, around) === undefined)
        .map((q) => (
          <Button small key={q.action} onClick={() => onAct(q.action, row)}>
            {q.label}
          </Button>
        ))}
    </div>
  )
}

function Overview({ app, group: g, row, rows }: { app: string; group: Group; row?: Row; rows: Row[] }) {
  const { min, max, desired } = g.capacity
  return (
    <div className={css.stack}>
      <Facts
        of={[
          ['Version', versionOf({ name: g.name, version: g.moniker.sequence })],
          ['Cluster', bare(g.cluster)],
          ['Account', g.account],
          ['Region', g.region],
          ['Artifact', (row?.images ?? []).map((i) => <code key={i}>{i}</code>)],
          ['Made', <Ago key="" at={g.createdTime} />],
          ['Instances', `${g.instanceCounts.up} up of ${desired}${min === max ? '' : `, at least ${min}, at most ${max}`}`],
          ['Weight', g.weight === 100 ? '' : g.weight],
          ['Requests now', row && row.loadBalancers.length > 0 && <Flow row={row} groups={siblings(rows, row)} />],
          ['Since made', g.traffic && `${g.traffic.requests.toLocaleString()} requests, ${g.traffic.errors.toLocaleString()} errors`],
          [
            'Load balancers',
            g.loadBalancers.map((lb) => (
              <div key={lb}>
                <Link to="/applications/$app/network" params={{ app }} search={{ lb: refOf({ account: g.account, region: g.region, name: lb }) }} className={css.link}>
                  {bare(lb)}
                </Link>
              </div>
            )),
          ],
          ['Made by', g.serverGroupManagers?.map((m) => bare(m.name)).join(', ')],
        ]}
      />
      {g.labels && Object.keys(g.labels).length > 0 && (
        <section>
          <h3>Labels</h3>
          <Facts of={Object.entries(g.labels).map(([k, v]) => [<code key="">{k}</code>, <code key="">{v}</code>])} />
        </section>
      )}
      {g.launchConfig && (
        <section>
          <h3>Made from</h3>
          <Json value={g.launchConfig} label="What it was made from" />
        </section>
      )}
    </div>
  )
}
