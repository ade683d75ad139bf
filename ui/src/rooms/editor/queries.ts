// What only this room asks for.
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { api, must, type Schemas } from '~/api/client'
import { keys } from '~/api/live'
import { catalogOf } from './catalog'
import type { Doc } from './document'

/** catalog is the stage types; they change with the server only. */
export const catalog = () =>
  queryOptions({
    queryKey: ['stages'],
    queryFn: async ({ signal }) => catalogOf(await must(api.GET('/api/v1/stages', { signal }))),
  })

/** pipeline is one definition, as it is stored. */
export const pipeline = (app: string, id: string) =>
  queryOptions({
    queryKey: [...keys.documents(app), 'pipeline', id],
    queryFn: async ({ signal }) => (await must(api.GET('/applications/{app}/pipelineConfigs/{name}', { params: { path: { app, name: id } }, signal }))) as Doc,
  })

export const revisions = (app: string, id: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.documents(app), 'revisions', id],
    queryFn: ({ pageParam, signal }) => must(api.GET('/api/v1/pipelines/{id}/revisions', { params: { path: { id }, query: { limit: page, before: pageParam || undefined } }, signal })),
    initialPageParam: 0,
    getNextPageParam: (last: Schemas['Revision'][]) => (last.length < page ? undefined : last.at(-1)?.number),
  })

const page = 30

export const loadBalancers = (app: string) =>
  queryOptions({
    queryKey: [...keys.fleet(app), 'loadBalancers', 'names'],
    queryFn: ({ signal }) => must(api.GET('/applications/{app}/loadBalancers', { params: { path: { app } }, signal })),
  })

export const accountNames = () =>
  queryOptions({
    queryKey: [...keys.accounts, 'names'],
    queryFn: ({ signal }) => must(api.GET('/credentials', { signal })),
  })

/** functions are those that expressions can call, and the classes that they can name. */
export const language = () =>
  queryOptions({
    queryKey: ['expressions'],
    queryFn: ({ signal }) => must(api.GET('/api/v1/expressions', { signal })),
  })

/** recent are the last executions of a pipeline, to try expressions on. */
export const recent = (app: string, id: string) =>
  queryOptions({
    queryKey: [...keys.executions(app), 'recent', id],
    queryFn: async ({ signal }) => (await must(api.GET('/api/v1/executions', { params: { query: { application: app, pipelineConfigIds: [id], limit: 10, expand: false } }, signal }))).items,
  })
