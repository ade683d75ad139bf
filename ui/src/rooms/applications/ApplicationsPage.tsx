import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Navigate, useNavigate } from '@tanstack/react-router'
import { useCallback, useMemo, useRef } from 'react'
import { applications } from '~/api/queries'
import { Button, Keys } from '~/kit/button'
import { Input, Select } from '~/kit/field'
import { useKeys } from '~/kit/keys'
import { VirtualList } from '~/kit/list'
import { useTexts } from '~/kit/local'
import { Page, useTitle } from '~/kit/page'
import { Empty, Loaded, Skeleton } from '~/kit/state'
import { ApplicationRow } from './ApplicationRow'
import { CreateDialog } from './CreateDialog'
import { accountsOf, countStates, shown, type Row } from './rows'
import { orders, states, type ApplicationsSearch, type Order, type State } from './search'
import css from './applications.module.css'

const route = getRouteApi('/')

export default function ApplicationsPage() {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/' })
  const change = (to: Partial<ApplicationsSearch>) => void navigate({ search: (s) => ({ ...s, ...to }), replace: true })
  const query = useQuery(applications())
  useTitle('Applications')
  useKeys('Applications', { n: { does: 'New application', run: () => change({ new: true }) } })
  if (query.data?.length === 0 && !search.new) return <Navigate to="/welcome" replace />
  return (
    <Page
      fill
      title="Applications"
      sub={query.data && <Summary rows={query.data} />}
      actions={
        <Button kind="primary" onClick={() => change({ new: true })}>
          New application <Keys of="n" />
        </Button>
      }
    >
      <Loaded query={query} skeleton={<Skeleton rows={10} height={52} />}>
        {(rows) => <Applications rows={rows} search={search} change={change} />}
      </Loaded>
      {search.new && <CreateDialog existing={query.data ?? []} onClose={() => change({ new: undefined })} />}
    </Page>
  )
}

function Summary({ rows }: { rows: Row[] }) {
  const running = rows.reduce((n, r) => n + r.running, 0)
  const waiting = rows.reduce((n, r) => n + r.waiting, 0)
  return (
    <>
      {[`${rows.length.toLocaleString('en')} ${rows.length === 1 ? 'application' : 'applications'}`, running > 0 && `${running} running`, waiting > 0 && `${waiting} waiting for a person`].filter(Boolean).join(' · ')}
    </>
  )
}

const orderNames: Record<Order, string> = { name: 'Name', deployed: 'Last deployment', active: 'Activity', size: 'Instances' }
const stateNames: Record<State, string> = { running: 'Running', waiting: 'Waiting', failed: 'Failed last', unhealthy: 'Unhealthy', starred: 'Starred' }

function Applications({ rows, search, change }: { rows: Row[]; search: ApplicationsSearch; change: (to: Partial<ApplicationsSearch>) => void }) {
  const navigate = useNavigate()
  const box = useRef<HTMLInputElement>(null)
  const [starred, star] = useTexts('gennaker.stars')
  const stars = useMemo(() => new Set(starred), [starred])
  const items = useMemo(() => shown(rows, search, stars), [rows, search, stars])
  const counts = useMemo(() => countStates(rows, stars), [rows, stars])
  const accounts = useMemo(() => accountsOf(rows), [rows])
  const toggle = useCallback((name: string) => star(starred.includes(name) ? starred.filter((s) => s !== name) : [...starred, name]), [starred, star])
  const open = (row: Row) => void navigate({ to: '/applications/$app', params: { app: row.name } })
  useKeys('Applications', { '/': { does: 'Search', run: () => box.current?.focus() } })
  return (
    <>
      <div className={css.tools}>
        <Input
          ref={box}
          type="search"
          className={css.search}
          placeholder="Search applications"
          aria-label="Search applications"
          value={search.q ?? ''}
          onChange={(e) => change({ q: e.target.value || undefined })}
          onKeyDown={(e) => {
            if (e.key === 'Escape') e.currentTarget.blur()
            if (e.key === 'Enter' && items[0]) open(items[0])
          }}
        />
        <div className={css.states} role="group" aria-label="State">
          {states.map((s) => (
            <Button key={s} small aria-pressed={search.state === s} className={css.state} disabled={counts[s] === 0 && search.state !== s} onClick={() => change({ state: search.state === s ? undefined : s })}>
              {stateNames[s]} <span className={css.count}>{counts[s].toLocaleString('en')}</span>
            </Button>
          ))}
        </div>
        {accounts.length > 1 && (
          <Select aria-label="Account" className={css.pick} value={search.account ?? ''} onChange={(e) => change({ account: e.target.value || undefined })}>
            <option value="">All accounts</option>
            {accounts.map((a) => (
              <option key={a}>{a}</option>
            ))}
          </Select>
        )}
        <Select aria-label="Order" className={css.pick} value={search.order ?? 'name'} onChange={(e) => change({ order: e.target.value === 'name' ? undefined : (e.target.value as Order) })}>
          {orders.map((o) => (
            <option key={o} value={o}>
              By {orderNames[o].toLowerCase()}
            </option>
          ))}
        </Select>
      </div>
      {items.length === 0 ? (
        <Empty title="No application is like this" action={<Button onClick={() => change({ q: undefined, state: undefined, account: undefined })}>Show all {rows.length}</Button>}>
          {search.q && `Nothing has “${search.q}” in its name, description, email or account.`}
        </Empty>
      ) : (
        <div className={css.table}>
          <div className={`${css.columns} ${css.header}`} aria-hidden>
            <span>Application</span>
            <span>Instances</span>
            <span>Pipelines</span>
            <span>Last 30 runs</span>
            <span>Last deployment</span>
          </div>
          <VirtualList items={items} label="Applications" rowKey={(r) => r.name} height={() => 52} onOpen={open}>
            {(row) => <ApplicationRow row={row} starred={stars.has(row.name)} onStar={toggle} />}
          </VirtualList>
        </div>
      )}
    </>
  )
}
