// The pipelines of an application, and what they ran: newest first, live.
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useCallback, useMemo, useRef, useState } from 'react'
import type { Execution } from '~/api/queries'
import { Button, Keys } from '~/kit/button'
import { Input, Select } from '~/kit/field'
import { useKeys } from '~/kit/keys'
import { VirtualList } from '~/kit/list'
import { Page, useTitle } from '~/kit/page'
import { Empty, Loaded, Skeleton } from '~/kit/state'
import { useNow } from '~/kit/time'
import { Entry } from './Entry'
import css from './list.module.css'
import { active, contains, lines, statusGroups, type Line, type PipelineRow, type StatusGroup } from './list'
import { PipelineList } from './PipelineList'
import { pipelines, runs, useLiveRuns } from './queries'
import type { DetailsTab, ExecutionsSearch } from './search'
import { waits } from './stages'
import { StartDialog } from './StartDialog'

const route = getRouteApi('/applications/$app/pipelines')
const statusNames: Record<StatusGroup, string> = { active: 'Active', succeeded: 'Succeeded', failed: 'Failed', canceled: 'Canceled' }
/** Pages that are read in search of words before it is asked whether to go on. */
const patience = 10

export default function ExecutionsPage() {
  const { app } = route.useParams()
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/applications/$app/pipelines' })
  const change = useCallback((by: Partial<ExecutionsSearch>) => void navigate({ search: (s) => ({ ...s, ...by }), replace: true }), [navigate])
  const rows = useQuery(pipelines(app))
  useLiveRuns(app)
  const running = active(rows.data ?? [])
  useTitle(`Pipelines · ${app}`, running.count > 0 ? 'RUNNING' : undefined, running.count > 0 ? `${running.text} running` : undefined)
  const start = useCallback((id: string) => change({ start: id, rerun: undefined }), [change])
  return (
    <Page
      fill
      title="Pipelines"
      actions={
        <Link to="/applications/$app/pipelines/$pipeline" params={{ app, pipeline: 'new' }} className={css.create}>
          New pipeline
        </Link>
      }
    >
      <Loaded query={rows} skeleton={<Skeleton rows={8} height={64} />}>
        {(list) =>
          list.length === 0 ? (
            <Empty
              title="There are no pipelines yet"
              action={
                <Link to="/applications/$app/pipelines/$pipeline" params={{ app, pipeline: 'new' }}>
                  Make the first one
                </Link>
              }
            >
              A pipeline says what happens, step by step, when something is deployed.
            </Empty>
          ) : (
            <div className={css.room}>
              <aside className={css.side} aria-label="Pipelines" tabIndex={0}>
                <PipelineList rows={list} selected={search.pipeline} onSelect={(pipeline) => change({ pipeline })} onStart={start} />
              </aside>
              <Runs app={app} search={search} rows={list} change={change} start={start} />
            </div>
          )
        }
      </Loaded>
      {search.start && <StartDialog app={app} pipeline={search.start} rerun={search.rerun} onClose={() => change({ start: undefined, rerun: undefined })} />}
    </Page>
  )
}

type RunsProps = { app: string; search: ExecutionsSearch; rows: readonly PipelineRow[]; change: (by: Partial<ExecutionsSearch>) => void; start: (id: string) => void }

function Runs({ app, search, rows, change, start }: RunsProps) {
  const navigate = useNavigate()
  const query = useInfiniteQuery(runs(app, { pipeline: search.pipeline, status: search.status }))
  const [tab, setTab] = useState<DetailsTab>('tasks')
  const [far, setFar] = useState(patience)
  const filter = useRef<HTMLInputElement>(null)
  const onStage = useCallback((id: string, stage: string | undefined) => change({ open: stage && id, stage }), [change])
  const now = useNow()
  const today = new Date(now).toDateString()
  const items = useMemo(() => query.data?.pages.flatMap((p) => p.items) ?? [], [query.data])
  const shown = useMemo(
    () =>
      lines(
        items.filter((x) => contains(x, search.q ?? '')),
        search.group ?? 'none',
        Date.parse(today),
      ),
    [items, search.q, search.group, today],
  )
  const read = query.data?.pages.length ?? 0
  const tired = search.q !== undefined && read >= far
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = query
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !tired) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, tired, fetchNextPage])
  const one = rows.find((r) => r.id === search.pipeline) ?? (rows.length === 1 ? rows[0] : undefined)
  useKeys('Pipelines', {
    ...(one && !one.disabled && { s: { does: `Start ${one.name}`, run: () => start(one.id) } }),
    '/': { does: 'Filter', run: () => filter.current?.focus() },
  })
  const open = (l: Line) => {
    if (l.kind === 'execution') void navigate({ to: '/applications/$app/executions/$id', params: { app, id: l.x.id } })
  }
  return (
    <div className={css.runs}>
      <div className={css.filters}>
        <Input ref={filter} type="search" placeholder="Filter by name, person, parameter…" aria-label="Filter executions" defaultValue={search.q} onChange={(e) => change({ q: e.target.value || undefined })} className={css.words} />
        <div role="group" aria-label="Status" className={css.chips}>
          {([undefined, ...Object.keys(statusGroups)] as (StatusGroup | undefined)[]).map((s) => (
            <button key={s ?? 'all'} type="button" aria-pressed={search.status === s} onClick={() => change({ status: s })}>
              {s ? statusNames[s] : 'All'}
              <Count of={items} rows={rows} status={s} whole={!hasNextPage && search.status === undefined} />
            </button>
          ))}
        </div>
        <Select aria-label="Group by" value={search.group ?? 'none'} onChange={(e) => change({ group: e.target.value === 'none' ? undefined : (e.target.value as 'pipeline' | 'day') })} className={css.group}>
          <option value="none">No groups</option>
          <option value="pipeline">By pipeline</option>
          <option value="day">By day</option>
        </Select>
      </div>
      <Loaded query={query} skeleton={<Skeleton rows={8} height={60} />}>
        {() =>
          shown.length === 0 && !hasNextPage ? (
            <Nothing search={search} one={one} clear={() => change({ q: undefined, status: undefined })} start={start} />
          ) : (
            <VirtualList items={shown} label="Executions" rowKey={keyOf} height={heightOf} onOpen={open} skip={isHeading} onEnd={more}>
              {(l) =>
                l.kind === 'heading' ? (
                  <h2 className={css.heading}>
                    {l.text} <span className="muted">{l.count}</span>
                  </h2>
                ) : (
                  <Entry x={l.x} open={search.open === l.x.id ? search.stage : undefined} tab={tab} onTab={setTab} onStage={onStage} />
                )
              }
            </VirtualList>
          )
        }
      </Loaded>
      {tired && hasNextPage && (
        <div className={css.foot}>
          Looked through the newest {items.length}. <Button small onClick={() => setFar(far + patience)}>Look further back</Button>
        </div>
      )}
    </div>
  )
}

const keyOf = (l: Line) => l.key
const isHeading = (l: Line) => l.kind === 'heading'
const heightOf = (l: Line) => (l.kind === 'heading' ? 36 : l.x.status === 'RUNNING' && waits(l.x) ? 190 : 64)

/** Count counts where it is known: what is active always, the rest once everything was read. */
function Count({ of, rows, status, whole }: { of: readonly Execution[]; rows: readonly PipelineRow[]; status?: StatusGroup; whole: boolean }) {
  const n = status === 'active' ? active(rows).text : whole ? of.filter((x) => !status || (statusGroups[status] as readonly string[]).includes(x.status)).length : undefined
  return n === undefined ? null : <span className={css.count}>{n}</span>
}

function Nothing({ search, one, clear, start }: { search: ExecutionsSearch; one?: PipelineRow; clear: () => void; start: (id: string) => void }) {
  if (search.q || search.status)
    return (
      <Empty title="No execution fits" action={<Button onClick={clear}>Show all</Button>}>
        Nothing has {search.q ? `“${search.q}”` : 'this status'}
        {one ? ` in ${one.name}` : ''}.
      </Empty>
    )
  return (
    <Empty
      title={one ? `${one.name} has not run yet` : 'Nothing has run yet'}
      action={
        one && (
          <Button kind="primary" disabled={one.disabled} onClick={() => start(one.id)}>
            Start it <Keys of="s" />
          </Button>
        )
      }
    >
      {one ? 'Its runs will stand here.' : 'Start one of the pipelines; its run will stand here.'}
    </Empty>
  )
}
