// What pages ask for. Keys begin as in live.ts, so that events reach them.
import { infiniteQueryOptions, keepPreviousData, QueryClient, queryOptions } from '@tanstack/react-query'
import { api, asError, must, type Schemas } from './client'
import { keys } from './live'

export type Execution = Schemas['Execution']
export type Stage = Schemas['Stage']
export type Task = Schemas['Task']

/** What is asked for stays true by events; it is asked again only when it is dirty. */
export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: Infinity,
        gcTime: 60_000,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        networkMode: 'always',
        retry: (n, e) => asError(e).status >= 500 && n < 2,
        retryDelay: 300,
      },
      mutations: { networkMode: 'always' },
    },
  })
}

/** applications lists the applications, all pages of them. */
export const applications = () =>
  queryOptions({
    queryKey: [...keys.applications, 'list'],
    queryFn: ({ signal }) => pages((after) => must(api.GET('/api/v1/applications', { params: { query: { limit: 1000, after } }, signal }))),
    // Nothing tells of what is not of any application; it is looked at again when it is visited.
    staleTime: 30_000,
  })

/** accounts are the places to deploy to, with their settings and their state. */
export const accounts = () =>
  queryOptions({
    queryKey: [...keys.accounts, 'list'],
    queryFn: ({ signal }) => must(api.GET('/api/v1/accounts', { signal })),
  })

/** application is one with its attributes. */
export const application = (app: string) =>
  queryOptions({
    queryKey: [...keys.documents(app), 'application'],
    queryFn: ({ signal }) => must(api.GET('/applications/{app}', { params: { path: { app } }, signal })),
  })

/** pipelineConfigs are the definitions of an application's pipelines, whole. */
export const pipelineConfigs = (app: string) =>
  queryOptions({
    queryKey: [...keys.documents(app), 'pipelines'],
    queryFn: ({ signal }) => must(api.GET('/applications/{app}/pipelineConfigs', { params: { path: { app } }, signal })) as Promise<Definition[]>,
  })

/** Definition is a pipeline as it is written; its fields are the user's. */
export type Definition = { id: string; name: string; application: string; stages?: Record<string, unknown>[]; parameterConfig?: Record<string, unknown>[]; updateTs?: string } & Record<string, unknown>

export type ExecutionFilter = { name?: string; statuses?: string[]; pipelineConfigIds?: string[] }

/** executions is the list of an application's executions, newest first, in pages; stages have no contexts. */
export const executions = (app: string, filter: ExecutionFilter) =>
  infiniteQueryOptions({
    queryKey: [...keys.executions(app), 'list', filter],
    queryFn: ({ pageParam, signal }) =>
      must(api.GET('/api/v1/executions', { params: { query: { application: app, limit: 30, expand: false, after: pageParam || undefined, ...filter } }, signal })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: keepPreviousData,
  })

/** execution is one with everything. */
export const execution = (id: string) =>
  queryOptions({
    queryKey: keys.execution(id),
    queryFn: ({ signal }) => must(api.GET('/pipelines/{id}', { params: { path: { id } }, signal })),
  })

/** serverGroups are those of an application, each as a line with its instances. */
export const serverGroups = (app: string) =>
  queryOptions({
    queryKey: [...keys.fleet(app), 'serverGroups'],
    queryFn: ({ signal }) => pages((after) => must(api.GET('/api/v1/server-groups', { params: { query: { application: app, limit: 1000, after } }, signal }))),
  })

/** pages asks for page after page, and returns all items. */
export async function pages<T>(ask: (after: string | undefined) => Promise<{ items: T[]; next?: string }>): Promise<T[]> {
  const out: T[] = []
  for (let after: string | undefined; ; ) {
    const page = await ask(after)
    out.push(...page.items)
    if (!page.next) return out
    after = page.next
  }
}
