import { queryOptions } from '@tanstack/react-query'
import { api, must } from '~/api/client'
import { keys } from '~/api/live'

/** How often figures are asked for that no event tells of, in milliseconds. */
const figures = 5_000
/** The demo counts its requests; while it is there they are looked at more often. */
const counting = 2_000

export const server = () => queryOptions({ queryKey: [...keys.server, 'figures'], queryFn: ({ signal }) => must(api.GET('/api/v1/server', { signal })), refetchInterval: figures })
export const node = () => queryOptions({ queryKey: [...keys.server, 'node'], queryFn: ({ signal }) => must(api.GET('/api/v1/node', { signal })), refetchInterval: figures })

/** health is whether the server can do its work; one that cannot says so with 503, and why. */
export const health = () =>
  queryOptions({
    queryKey: [...keys.server, 'health'],
    queryFn: async ({ signal }) => {
      const { data, error } = await api.GET('/health', { signal })
      return data ?? (error as unknown as NonNullable<typeof data>)
    },
    refetchInterval: figures,
  })

export const demo = () =>
  queryOptions({
    queryKey: [...keys.server, 'demo'],
    queryFn: ({ signal }) => must(api.GET('/api/v1/demo', { signal })),
    refetchInterval: (query) => (query.state.data && query.state.data.state !== 'absent' ? counting : false),
  })

/** firstPipelines are the first pipelines of an application. */
export const firstPipelines = (app: string) =>
  queryOptions({
    queryKey: [...keys.documents(app), 'firstPipelines'],
    queryFn: async ({ signal }) => (await must(api.GET('/api/v1/pipelines', { params: { query: { application: app, limit: 5 } }, signal }))).items,
  })
