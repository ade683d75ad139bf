// What only the fleet's pages ask for.
import { queryOptions } from '@tanstack/react-query'
import { api, must } from '~/api/client'
import { keys } from '~/api/live'
import { underWay } from './running'
import type { Ref } from './model'

/** running are the executions and tasks of an application that are under way. */
export const running = (app: string) =>
  queryOptions({
    queryKey: [...keys.executions(app), 'underWay'],
    queryFn: async ({ signal }) => {
      const page = await must(api.GET('/api/v1/executions', { params: { query: { application: app, limit: 50, expand: false, statuses: underWay } }, signal }))
      return page.items
    },
  })

/** tasks are the newest operations of an application. */
export const tasks = (app: string) =>
  queryOptions({
    queryKey: [...keys.executions(app), 'tasks', 'newest'],
    queryFn: ({ signal }) => must(api.GET('/applications/{app}/tasks', { params: { path: { app }, query: { limit: 40, expand: false } }, signal })),
  })

/** group is a server group with everything. */
export const group = (app: string, r: Ref) =>
  queryOptions({
    queryKey: [...keys.fleet(app), 'serverGroup', r.account, r.region, r.name],
    queryFn: ({ signal }) => must(api.GET('/applications/{app}/serverGroups/{account}/{region}/{name}', { params: { path: { app, ...r } }, signal })),
    retry: false,
  })

/** verdict is what the server says an operation on a server group would lead to; it changes with the fleet. */
export const verdict = (app: string, r: Ref, operation: 'disableServerGroup' | 'destroyServerGroup') =>
  queryOptions({
    queryKey: [...keys.fleet(app), 'consequences', r.account, r.region, r.name, operation],
    queryFn: ({ signal }) => must(api.GET('/api/v1/server-groups/{account}/{region}/{name}/consequences', { params: { path: { account: r.account, region: r.region, name: r.name }, query: { operation } }, signal })),
    staleTime: 0,
    retry: false,
  })

/** deployments are the newest executions and operations of an application with what they made; versions names what is there, so that a new one makes it anew. */
export const deployments = (app: string, versions: string) =>
  queryOptions({
    queryKey: [...keys.application(app), 'deployments', versions],
    queryFn: async ({ signal }) => {
      const [page, operations] = await Promise.all([
        must(api.GET('/api/v1/executions', { params: { query: { application: app, limit: 60, expand: true } }, signal })),
        must(api.GET('/applications/{app}/tasks', { params: { path: { app }, query: { limit: 60, expand: true } }, signal })),
      ])
      return [...page.items, ...operations.map((o) => o.execution)]
    },
    staleTime: 10_000,
  })

/** balancers are the load balancers of an application. */
export const balancers = (app: string) =>
  queryOptions({
    queryKey: [...keys.fleet(app), 'loadBalancers'],
    queryFn: ({ signal }) => must(api.GET('/applications/{app}/loadBalancers', { params: { path: { app } }, signal })),
  })

/** objects are everything of an application in clusters of containers. */
export const objects = (app: string) =>
  queryOptions({
    queryKey: [...keys.fleet(app), 'rawResources'],
    queryFn: ({ signal }) => must(api.GET('/applications/{app}/rawResources', { params: { path: { app } }, signal })),
  })

/** firewall is one with its rules. */
export const firewall = (app: string, r: Ref) =>
  queryOptions({
    queryKey: [...keys.fleet(app), 'firewall', r.account, r.region, r.name],
    queryFn: ({ signal }) => must(api.GET('/firewalls/{account}/{region}/{name}', { params: { path: { ...r } }, signal })),
  })

/** happened is what a cluster says of an object, newest first; no event tells when there is more. */
export const happened = (app: string, r: Ref) =>
  queryOptions({
    queryKey: [...keys.fleet(app), 'manifestEvents', r.account, r.region, r.name],
    queryFn: ({ signal }) => must(api.GET('/api/v1/manifests/{account}/{location}/{name}/events', { params: { path: { account: r.account, location: r.region, name: r.name } }, signal })),
  })

/** accounts are the places to deploy to, with how they go. */
export const accounts = () =>
  queryOptions({
    queryKey: [...keys.accounts, 'list'],
    queryFn: ({ signal }) => must(api.GET('/api/v1/accounts', { signal })),
  })

/** places are the names of the accounts with their regions, for whoever may read. */
export const places = () =>
  queryOptions({
    queryKey: [...keys.accounts, 'places'],
    queryFn: async ({ signal }) => {
      const all = (await must(api.GET('/credentials', { params: { query: { expand: true } }, signal }))) as { name: string; cloudProvider: string; regions?: (string | { name: string })[] }[]
      return all.map((a) => ({ ...a, regions: (a.regions ?? []).map((r) => (typeof r === 'string' ? r : r.name)) }))
    },
  })
