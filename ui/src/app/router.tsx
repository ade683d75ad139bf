// The table of pages. Each is loaded when it is first visited; what its URL may
// say is checked by its room's search.ts.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { applicationsSearch, settingsSearch, tasksSearch } from '~/rooms/applications/search'
import { editorSearch, historySearch } from '~/rooms/editor/search'
import { compareSearch, executionSearch, executionsSearch } from '~/rooms/executions/search'
import { fleetSearch, networkSearch } from '~/rooms/fleet/search'
import { accountSearch } from '~/rooms/setup/search'
import { ErrorBox, Skeleton } from '~/kit/state'
import { NotFound, Shell } from './shell'
import { ApplicationFrame } from './application'

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: ({ error, reset }) => <ErrorBox error={error} retry={reset} /> })

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: applicationsSearch,
  component: lazyRouteComponent(() => import('~/rooms/applications/ApplicationsPage')),
})
const welcome = createRoute({ getParentRoute: () => root, path: '/welcome', component: lazyRouteComponent(() => import('~/rooms/setup/WelcomePage')) })
const accounts = createRoute({ getParentRoute: () => root, path: '/accounts', validateSearch: accountSearch, component: lazyRouteComponent(() => import('~/rooms/setup/AccountsPage')) })
const health = createRoute({ getParentRoute: () => root, path: '/health', component: lazyRouteComponent(() => import('~/rooms/setup/HealthPage')) })

const application = createRoute({ getParentRoute: () => root, path: '/applications/$app', component: ApplicationFrame })
const fleet = createRoute({ getParentRoute: () => application, path: '/', validateSearch: fleetSearch, component: lazyRouteComponent(() => import('~/rooms/fleet/FleetPage')) })
const network = createRoute({ getParentRoute: () => application, path: 'network', validateSearch: networkSearch, component: lazyRouteComponent(() => import('~/rooms/fleet/NetworkPage')) })
const pipelines = createRoute({ getParentRoute: () => application, path: 'pipelines', validateSearch: executionsSearch, component: lazyRouteComponent(() => import('~/rooms/executions/ExecutionsPage')) })
const execution = createRoute({ getParentRoute: () => application, path: 'executions/$id', validateSearch: executionSearch, component: lazyRouteComponent(() => import('~/rooms/executions/ExecutionPage')) })
const compare = createRoute({ getParentRoute: () => application, path: 'executions/$id/compare/$other', validateSearch: compareSearch, component: lazyRouteComponent(() => import('~/rooms/executions/ComparePage')) })
const edit = createRoute({ getParentRoute: () => application, path: 'pipelines/$pipeline', validateSearch: editorSearch, component: lazyRouteComponent(() => import('~/rooms/editor/EditorPage')) })
const history = createRoute({ getParentRoute: () => application, path: 'pipelines/$pipeline/history', validateSearch: historySearch, component: lazyRouteComponent(() => import('~/rooms/editor/HistoryPage')) })
const tasks = createRoute({ getParentRoute: () => application, path: 'tasks', validateSearch: tasksSearch, component: lazyRouteComponent(() => import('~/rooms/applications/TasksPage')) })
const settings = createRoute({ getParentRoute: () => application, path: 'settings', validateSearch: settingsSearch, component: lazyRouteComponent(() => import('~/rooms/applications/SettingsPage')) })

const tree = root.addChildren([home, welcome, accounts, health, application.addChildren([fleet, network, pipelines, execution, compare, edit, history, tasks, settings])])

export const newRouter = () => createRouter({ routeTree: tree, basepath: '/ui', defaultPreload: 'intent', defaultPreloadStaleTime: 0, defaultNotFoundComponent: NotFound, scrollRestoration: true, defaultPendingComponent: Skeleton, defaultPendingMs: 30, defaultPendingMinMs: 0 })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof newRouter>
  }
}
