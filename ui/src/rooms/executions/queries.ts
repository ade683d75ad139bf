// What the room asks for. Lists of executions are not read anew with each event:
// those that changed are asked for by their IDs, and put into their places.
import { infiniteQueryOptions, keepPreviousData, queryOptions, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { api, must } from '~/api/client'
import { useEvents } from '~/api/feed'
import { keys } from '~/api/live'
import { pages, type Definition, type Execution } from '~/api/queries'
import { merge, mergeRuns, statusGroups, type Filter, type Pages, type PipelineRow } from './list'

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

/** How long changes are collected before those executions are asked for, in milliseconds. */
const collect = 15
/** Executions that are asked for at once. */
const atOnce = 100

/** useLiveRuns keeps the lists of an application's executions true. */
export function useLiveRuns(app: string) {
  const client = useQueryClient()
  const refresh = useRef<Refresher>(undefined)
  useEffect(() => {
    const r = new Refresher((ids) => take(client, app, ids))
    refresh.current = r
    return () => r.close()
  }, [client, app])
  useEvents((e) => {
    if (e.type === 'execution' && e.execution && !e.task && e.application?.toLowerCase() === app.toLowerCase()) refresh.current?.add(e.execution)
  })
}

/** Refresher collects the IDs of what changed, and has them read, one batch at a time. */
export class Refresher {
  private changed = new Set<string>()
  private timer: ReturnType<typeof setTimeout> | undefined
  private busy = false
  private closed = false

  /** read says whether those are to be read once more. */
  constructor(private readonly read: (ids: string[]) => Promise<boolean>) {}

  add(id: string) {
    this.changed.add(id)
    this.schedule()
  }

  close() {
    this.closed = true
    clearTimeout(this.timer)
  }

  private schedule() {
    if (this.busy || this.closed) return
    this.timer ??= setTimeout(() => void this.flush(), collect)
  }

  private async flush() {
    this.timer = undefined
    this.busy = true
    const ids = [...this.changed].slice(0, atOnce)
    for (const id of ids) this.changed.delete(id)
    try {
      if (await this.read(ids)) for (const id of ids) this.changed.add(id)
    } catch {
      // What could not be read is read with the whole list, when the stream is back.
    }
    this.busy = false
    if (this.changed.size > 0) this.schedule()
  }
}

/**
 * take reads executions, and puts them into the lists that are there. A list
 * that is being read meanwhile may be older: then it reports that it is to be
 * done once more, when that is over.
 */
async function take(client: QueryClient, app: string, ids: string[]): Promise<boolean> {
  const changed: Execution[] = await must(api.GET('/executions', { params: { query: { executionIds: ids, expand: false, limit: ids.length } } }))
  const found = new Set(changed.map((x) => x.id))
  // An event of an operation is one of an execution too; it is in no list, and so not gone from one.
  put(client, app, changed, new Set(ids.filter((id) => !found.has(id))))
  const reading = [runsKey(app), pipelinesKey(app)].flatMap((queryKey) => client.getQueryCache().findAll({ queryKey, fetchStatus: 'fetching' }))
  await Promise.allSettled(reading.map((q) => q.promise))
  return reading.length > 0
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
