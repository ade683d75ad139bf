// The frame of an application's pages: its parts as tabs.
import { Link, Outlet, useLocation, useNavigate, useParams } from '@tanstack/react-router'
import { useKeys } from '~/kit/keys'
import { tabCss } from '~/kit/tabs'
import css from './application.module.css'

const parts = [
  { to: '/applications/$app', label: 'Fleet', key: 'g f' },
  { to: '/applications/$app/pipelines', label: 'Pipelines', key: 'g p' },
  { to: '/applications/$app/network', label: 'Load balancers', key: 'g l' },
  { to: '/applications/$app/tasks', label: 'Tasks', key: 'g t' },
  { to: '/applications/$app/settings', label: 'Settings', key: 'g s' },
] as const

export function ApplicationFrame() {
  const { app } = useParams({ from: '/applications/$app' })
  const navigate = useNavigate()
  // Executions are of pipelines, and have no tab of their own.
  const execution = useLocation({ select: (l) => l.pathname.includes('/executions/') })
  useKeys(app, Object.fromEntries(parts.map((p) => [p.key, { does: `Go to ${p.label.toLowerCase()}`, run: () => void navigate({ to: p.to, params: { app } }) }])))
  return (
    <div className={css.frame}>
      <nav className={`${tabCss.tabs} ${css.tabs}`} aria-label={app}>
        {parts.map((p) => (
          <Link key={p.to} to={p.to} params={{ app }} className={tabCss.tab} activeOptions={{ exact: p.to === '/applications/$app', includeSearch: false }} {...(execution && p.label === 'Pipelines' && { 'aria-current': true })}>
            {p.label}
          </Link>
        ))}
      </nav>
      <div className={css.content}>
        <Outlet />
      </div>
    </div>
  )
}
