// What the room asks for. Executions are not read anew with each event: what it
// tells is shown at once. Then those in lists that changed are asked for by their
// IDs, and put into their places; one that is shown whole is read by keepLive.
import { infiniteQueryOptions, keepPreviousData, queryOptions, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { api, must } from '~/api/client'
import type { ServerEvent } from '~/api/events'
import { useEvents } from '~/api/feed'
import { keys } from '~/api/live'
import { pages, type Definition, type Execution } from '~/api/queries'
import { after, early, merge, mergeRuns, statusGroups, type Change, type Filter, type Pages, type PipelineRow } from './list'

const runsKey = (app: string) => ['application', app.toLowerCase(), 'runs'] as const
/** Documents make it dirty; its runs are kept up by useLiveRuns. */
const pipelinesKey = (app: string) => [...keys.documents(app.toLowerCase()), 'pipelines with runs'] as const

/** runs is the list of an application's executions, newest first; stages have no contexts. */
export const runs = (app: string, filter: Filter) =>
  infiniteQueryOptions({
    queryKey: [...runsKey(app), filter],
    queryFn: ({ pageParam, signal }) =>
      must(
        api.GET('/api/v1/executions', {
          params: {
            query: {
              application: app,
              limit: 30,
              expand: false,
              after: pageParam || undefined,
              pipelineConfigIds: filter.pipeline ? [filter.pipeline] : undefined,
              statuses: filter.status ? [...statusGroups[filter.status]] : undefined,
            },
          },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: keepPreviousData,
  })

/** pipelines are those of an application, each with its newest runs. */
export const pipelines = (app: string) =>
  queryOptions({
    queryKey: pipelinesKey(app),
    queryFn: ({ signal }) => pages<PipelineRow>((after) => must(api.GET('/api/v1/pipelines', { params: { query: { application: app, limit: 200, after } }, signal }))),
  })

/** definition is a pipeline as it is written. */
export const definition = (app: string, pipeline: string) =>
  queryOptions({
    queryKey: [...keys.documents(app.toLowerCase()), 'pipeline', pipeline],
    queryFn: ({ signal }) => must(api.GET('/applications/{app}/pipelineConfigs/{name}', { params: { path: { app, name: pipeline } }, signal })) as Promise<Definition>,
  })

/** failedStages are those that made an execution fail, also in those that it started. */
export const failedStages = (id: string) =>
  queryOptions({
    queryKey: [...keys.execution(id), 'failed stages'],
    queryFn: ({ signal }) => must(api.GET('/executions/failedStages', { params: { query: { executionId: id, limit: 5 } }, signal })),
  })

/** logTail are the last lines that an instance of a server group wrote. */
export const logTail = (group: { account: string; region: string; name: string }, instance: string | undefined) =>
  queryOptions({
    queryKey: ['log', group.account, group.region, group.name, instance ?? ''],
    queryFn: async ({ signal }) =>
      String(
        await must(
          api.GET('/api/v1/server-groups/{account}/{region}/{name}/logs', { params: { path: group, query: { instance, tail: 4_000 } }, parseAs: 'text', signal }),
        ),
      ),
    retry: false,
  })

/** How long what events tell is collected before it is shown, in milliseconds. */
const collect = 8
/** How long until those executions are asked for whose changes are not known whole, and the others. */
const soon = 15
const later = 400
/** Executions that are asked for at once. */
const atOnce = 100

/** useLiveRuns keeps what is shown of an application's executions true. */
export function useLiveRuns(app: string) {
  const client = useQueryClient()
  const live = useRef<Live>(undefined)
  useEffect(() => {
    const l = new Live(client, app, ask)
    live.current = l
    return () => l.close()
  }, [client, app])
  useEvents((e) => {
    if (e.type === 'execution' && e.application?.toLowerCase() === app.toLowerCase()) live.current?.take(e)
  })
}

const ask = (ids: string[]): Promise<Execution[]> => must(api.GET('/executions', { params: { query: { executionIds: ids, expand: false, limit: ids.length } } }))

/** Live takes events up into an application's executions: in lists, and those that are shown whole. */
export class Live {
  private told: ServerEvent[] = []
  private timer: ReturnType<typeof setTimeout> | undefined
  /** What was told since executions are being read: the answer may be older. */
  private meanwhile: Change[] | undefined
  private readonly refresher: Refresher

  constructor(
    private readonly client: QueryClient,
    private readonly app: string,
    private readonly ask: (ids: string[]) => Promise<Execution[]>,
  ) {
    this.refresher = new Refresher((ids) => this.read(ids))
  }

  take(e: ServerEvent) {
    this.told.push(e)
    this.timer ??= setTimeout(() => this.show(), collect)
  }

  close() {
    clearTimeout(this.timer)
    this.refresher.close()
  }

  private show() {
    this.timer = undefined
    const told = this.told
    this.told = []
    const changes = told.filter(isChange)
    this.meanwhile?.push(...changes)
    const shown = applied(this.known(), changes)
    if (shown.size > 0) put(this.client, this.app, [...shown.values()], new Set())
    for (const [id, own] of grouped(changes)) this.showWhole(id, own)
    // Of its tasks a list shows nothing.
    for (const e of told) if (e.execution && !e.task) this.refresher.add(e.execution, isChange(e) && shown.has(e.execution) ? later : soon)
  }

  /** showWhole shows changes in an execution that a page shows whole. An answer that is on its way may be older. */
  private showWhole(id: string, changes: readonly Change[]) {
    // One that no page shows is read when it is shown again.
    const query = this.client.getQueryCache().find<Execution>({ queryKey: keys.execution(id), exact: true, type: 'active' })
    const show = () => void this.client.setQueryData<Execution>(keys.execution(id), (x) => x && early(x, changes))
    if (query) show()
    if (query?.state.fetchStatus === 'fetching') query.promise?.then(show, () => {})
  }

  /** known returns the executions of all lists. */
  private *known(): Generator<Execution> {
    for (const [, data] of this.client.getQueriesData<Pages>({ queryKey: runsKey(this.app) })) for (const p of data?.pages ?? []) yield* p.items
  }

  /**
   * read reads executions, and puts them into the lists that are there. A list
   * that is being read meanwhile may be older: then it reports that it is to be
   * done once more, when that is over.
   */
  private async read(ids: string[]): Promise<boolean> {
    const meanwhile: Change[] = (this.meanwhile = [])
    const answer = await this.ask(ids).finally(() => (this.meanwhile = undefined))
    const found = new Map([...answer.map((x) => [x.id, x] as const), ...applied(answer, meanwhile)])
    // An event of an operation is one of an execution too; it is in no list, and so not gone from one.
    put(this.client, this.app, [...found.values()], new Set(ids.filter((id) => !found.has(id))))
    const reading = [runsKey(this.app), pipelinesKey(this.app)].flatMap((queryKey) => this.client.getQueryCache().findAll({ queryKey, fetchStatus: 'fetching' }))
    await Promise.allSettled(reading.map((q) => q.promise))
    return reading.length > 0
  }
}

const isChange = (e: ServerEvent): e is ServerEvent & Change => !!e.execution && !!e.status && !!e.at

/** grouped returns changes by execution. */
function grouped(changes: readonly Change[]): Map<string, Change[]> {
  const by = new Map<string, Change[]>()
  for (const c of changes) by.set(c.execution, [...(by.get(c.execution) ?? []), c])
  return by
}

/** applied returns those of the executions of which the changes tell everything, as they are then. */
function applied(list: Iterable<Execution>, changes: readonly Change[]): Map<string, Execution> {
  const by = grouped(changes)
  const out = new Map<string, Execution>()
  for (const x of list) {
    const own = by.get(x.id)
    const now = own && after(x, own)
    if (now) out.set(x.id, now)
  }
  return out
}

/** Refresher collects the IDs of what changed, and has them read, one batch at a time. */
export class Refresher {
  private changed = new Set<string>()
  private timer: ReturnType<typeof setTimeout> | undefined
  private due = Infinity
  private busy = false
  private closed = false

  /** read says whether those are to be read once more. */
  constructor(private readonly read: (ids: string[]) => Promise<boolean>) {}

  /** add has an execution read within a time, in milliseconds. */
  add(id: string, within: number) {
    this.changed.add(id)
    this.schedule(within)
  }

  close() {
    this.closed = true
    clearTimeout(this.timer)
  }

  private schedule(within: number) {
    const due = Date.now() + within
    if (this.closed || due >= this.due) return
    this.due = due
    if (this.busy) return
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.flush(), within)
  }

  private async flush() {
    this.due = Infinity
    this.busy = true
    const ids = [...this.changed].slice(0, atOnce)
    for (const id of ids) this.changed.delete(id)
    try {
      if (await this.read(ids)) for (const id of ids) this.changed.add(id)
    } catch {
      // What could not be read is read with the whole list, when the stream is back.
    }
    this.busy = false
    const wait = this.due === Infinity ? soon : Math.max(0, this.due - Date.now())
    this.due = Infinity
    if (this.changed.size > 0) this.schedule(wait)
  }
}

/** forget takes an execution that was deleted out of all that is known. */
export function forget(client: QueryClient, app: string, id: string) {
  put(client, app, [], new Set([id]))
  client.removeQueries({ queryKey: keys.execution(id) })
}

function put(client: QueryClient, app: string, changed: readonly Execution[], gone: ReadonlySet<string>) {
  for (const [key, data] of client.getQueriesData<Pages>({ queryKey: runsKey(app) }))
    if (data) client.setQueryData(key, merge(data, key.at(-1) as Filter, changed, gone))
  client.setQueryData(pipelinesKey(app), (rows: PipelineRow[] | undefined) => rows && mergeRuns(rows, changed, gone))
}
