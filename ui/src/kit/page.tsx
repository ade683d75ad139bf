// The frame of a page: its title in the page, in the tab, and as the tab's icon.
import { useEffect, type ReactNode } from 'react'
import css from './page.module.css'
import { toneOf } from './status'

const icons = { ok: '#2da160', bad: '#d1303d', run: '#3b7de0', wait: '#d98a00', stop: '#8a8199', idle: '#6b7280' } as const

/** favicon draws the tab's icon: the shape is that of the status, as in status.tsx. */
function favicon(status: string | undefined): string {
  const tone = status ? toneOf(status) : undefined
  const shape = {
    ok: '<circle cx="8" cy="8" r="7"/>',
    bad: '<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z"/>',
    run: '<circle cx="8" cy="8" r="5.5" fill="none" stroke="#3b7de0" stroke-width="3" stroke-dasharray="24 11"/>',
    wait: '<path d="M8 1l7 13.5H1z"/>',
    stop: '<rect x="2" y="2" width="12" height="12" rx="2"/>',
    idle: '<circle cx="8" cy="8" r="6"/>',
  }
  const inner = tone ? `<g fill="${icons[tone]}">${shape[tone]}</g>` : '<path d="M2 14 8 1l6 13z" fill="#5b6cf0"/>'
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${inner}</svg>`)}`
}

/** useTitle names the tab while the component is there; a status stands before the name and in the icon. */
export function useTitle(title: string, status?: string, word?: string) {
  useEffect(() => {
    document.title = [word, title, 'Gennaker'].filter(Boolean).join(' · ')
    const link = document.querySelector<HTMLLinkElement>('link[rel=icon]')
    if (link) link.href = favicon(status)
  }, [title, status, word])
}

/** Page is the content below the frame: a head with title and actions, and a body that may fill the height. */
export function Page({ title, sub, actions, fill, children }: { title: ReactNode; sub?: ReactNode; actions?: ReactNode; fill?: boolean; children: ReactNode }) {
  return (
    <div className={css.page} data-fill={fill || undefined}>
      <header className={css.head}>
        <div className={css.titles}>
          <h1>{title}</h1>
          {sub && <div className="muted">{sub}</div>}
        </div>
        {actions && <div className={css.actions}>{actions}</div>}
      </header>
      <div className={css.body}>{children}</div>
    </div>
  )
}

/** Card is a box with a heading. */
export function Card({ title, actions, children }: { title?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className={css.card}>
      {(title || actions) && (
        <header>
          <h2>{title}</h2>
          {actions}
        </header>
      )}
      {children}
    </section>
  )
}

/** Facts is a list of names and values; those without a value are left out. */
export function Facts({ of }: { of: [name: ReactNode, value: ReactNode][] }) {
  return (
    <dl className={css.facts}>
      {of
        .filter(([, v]) => v !== undefined && v !== null && v !== '' && v !== false)
        .map(([name, value], i) => (
          <div key={i}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}
