// The frame around every page: where one is, how live it is, and the keys that
// work everywhere.
import { Link, Outlet, useNavigate, useParams } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { useLink } from '~/api/feed'
import { Button, IconButton, Keys } from '~/kit/button'
import { useKeys } from '~/kit/keys'
import { Menu } from '~/kit/menu'
import { Empty } from '~/kit/state'
import { readTheme, saveTheme, themes } from './theme'
import css from './shell.module.css'

const Palette = lazy(() => import('./palette'))
const KeySheet = lazy(() => import('./keysheet'))

export function Shell() {
  const navigate = useNavigate()
  const { app } = useParams({ strict: false })
  const [open, setOpen] = useState<'palette' | 'keys' | undefined>()
  const link = useLink()
  const [theme, setTheme] = useState(readTheme)
  useKeys('Everywhere', {
    'mod+k': { does: 'Command palette', always: true, run: () => setOpen((o) => (o === 'palette' ? undefined : 'palette')) },
    '?': { does: 'This sheet', run: () => setOpen('keys') },
    'g a': { does: 'Go to applications', run: () => void navigate({ to: '/' }) },
    'g c': { does: 'Go to accounts', run: () => void navigate({ to: '/accounts' }) },
    'g h': { does: 'Go to health', run: () => void navigate({ to: '/health' }) },
  })
  return (
    <div className={css.shell}>
      <a className={css.skip} href="#content">
        Skip to content
      </a>
      <header className={css.bar}>
        <Link to="/" className={css.brand} aria-label="Gennaker: applications">
          <svg width="18" height="18" viewBox="0 0 16 16" aria-hidden>
            <path d="M2 14 8 1l6 13c-4-2.4-8-2.4-12 0z" fill="var(--accent)" />
          </svg>
          <span className={css.word}>Gennaker</span>
        </Link>
        <nav aria-label="Main" className={css.nav}>
          <Link to="/" activeOptions={{ exact: true, includeSearch: false }}>
            Applications
          </Link>
          {app && (
            <Link to="/applications/$app" params={{ app }} className={css.current}>
              {app}
            </Link>
          )}
          <Link to="/accounts" className={css.wide}>
            Accounts
          </Link>
          <Link to="/health" className={css.wide}>
            Health
          </Link>
        </nav>
        <Button small className={css.search} onClick={() => setOpen('palette')}>
          <span>Search or run…</span> <Keys of="mod+k" />
        </Button>
        <Menu
          label="More"
          trigger={
            <IconButton small label="More">
              ⋯
            </IconButton>
          }
          items={[
            { label: 'Accounts', onSelect: () => void navigate({ to: '/accounts' }) },
            { label: 'Health', onSelect: () => void navigate({ to: '/health' }) },
            { label: 'Getting started', onSelect: () => void navigate({ to: '/welcome' }) },
            { label: 'Keyboard shortcuts', onSelect: () => setOpen('keys') },
            'line',
            ...themes.map((t) => ({
              label: `${theme === t ? '✓ ' : ''}${themeNames[t]}`,
              onSelect: () => {
                saveTheme(t)
                setTheme(t)
              },
            })),
          ]}
        />
      </header>
      {link === 'lost' && (
        <div className={css.lost} role="status">
          The server does not answer. What you see is how it was; it is asked again.
        </div>
      )}
      <main id="content" className={css.main} tabIndex={-1} data-link={link}>
        <Outlet />
      </main>
      <Suspense>
        {open === 'palette' && <Palette app={app} onClose={() => setOpen(undefined)} />}
        {open === 'keys' && <KeySheet onClose={() => setOpen(undefined)} />}
      </Suspense>
    </div>
  )
}

const themeNames = { system: 'Theme of the system', light: 'Light', dark: 'Dark', contrast: 'High contrast' } as const

export function NotFound() {
  return (
    <Empty title="There is no such page" action={<Link to="/">All applications</Link>}>
      The address may be mistyped, or of another version.
    </Empty>
  )
}
