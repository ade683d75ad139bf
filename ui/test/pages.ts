// Every page, and how it is visited: what is tried for accessibility, what is
// photographed, and whose bytes are counted. house.test.ts holds that it is all
// of the router's.

/** Places are what the addresses of a living world name. */
export type Places = {
  app: string
  /** A pipeline with parameters. */
  pipeline: string
  succeeded: string
  failed: string
  /** An execution that waits for a person. */
  waiting: string
  /** account/region/name of a server group in service. */
  group: string
  /** An account whose cluster does not answer. */
  silent: string
}

/** View is a page, or a part of it that an address opens. */
export type View = { name: string; route: string; at: (p: Places) => string }

const app = (rest: (p: Places) => string) => (p: Places) => `applications/${p.app}${rest(p)}`

export const views: View[] = [
  { name: 'applications', route: '/', at: () => '' },
  { name: 'welcome', route: '/welcome', at: () => 'welcome' },
  { name: 'accounts', route: '/accounts', at: () => 'accounts' },
  { name: 'account', route: '/accounts', at: (p) => `accounts?account=${p.silent}` },
  { name: 'health', route: '/health', at: () => 'health' },
  { name: 'fleet', route: '/applications/$app', at: app(() => '') },
  { name: 'server-group', route: '/applications/$app', at: app((p) => `?sg=${encodeURIComponent(p.group)}`) },
  { name: 'network', route: '/applications/$app/network', at: app(() => '/network') },
  { name: 'pipelines', route: '/applications/$app/pipelines', at: app(() => '/pipelines') },
  { name: 'start', route: '/applications/$app/pipelines', at: app((p) => `/pipelines?start=${p.pipeline}`) },
  { name: 'execution', route: '/applications/$app/executions/$id', at: app((p) => `/executions/${p.succeeded}`) },
  { name: 'failed', route: '/applications/$app/executions/$id', at: app((p) => `/executions/${p.failed}`) },
  { name: 'judgment', route: '/applications/$app/executions/$id', at: app((p) => `/executions/${p.waiting}`) },
  { name: 'compare', route: '/applications/$app/executions/$id/compare/$other', at: app((p) => `/executions/${p.succeeded}/compare/${p.failed}`) },
  { name: 'editor', route: '/applications/$app/pipelines/$pipeline', at: app((p) => `/pipelines/${p.pipeline}`) },
  { name: 'history', route: '/applications/$app/pipelines/$pipeline/history', at: app((p) => `/pipelines/${p.pipeline}/history`) },
  { name: 'tasks', route: '/applications/$app/tasks', at: app(() => '/tasks') },
  { name: 'settings', route: '/applications/$app/settings', at: app(() => '/settings') },
]
