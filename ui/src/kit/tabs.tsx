import { useId, type ReactNode } from 'react'
import css from './tabs.module.css'

export type Tab<K extends string> = { key: K; label: ReactNode; content: () => ReactNode }

/** Tabs shows one of several contents. Which one is the page's to keep, in its URL. */
export function Tabs<K extends string>({ tabs, current, onChange, label }: { tabs: Tab<K>[]; current: K; onChange: (key: K) => void; label: string }) {
  const id = useId()
  const shown = tabs.find((t) => t.key === current) ?? tabs[0]
  const step = (by: number) => {
    const next = tabs[(tabs.findIndex((t) => t.key === shown?.key) + by + tabs.length) % tabs.length]
    if (next) {
      onChange(next.key)
      document.getElementById(`${id}-${next.key}`)?.focus()
    }
  }
  return (
    <>
      <div
        role="tablist"
        aria-label={label}
        className={css.tabs}
        onKeyDown={(e) => {
          if (e.key === 'ArrowRight') step(1)
          if (e.key === 'ArrowLeft') step(-1)
        }}
      >
        {tabs.map((t) => (
          <button
            key={t.key}
            id={`${id}-${t.key}`}
            type="button"
            role="tab"
            className={css.tab}
            aria-selected={t.key === shown?.key}
            aria-controls={`${id}-panel`}
            tabIndex={t.key === shown?.key ? 0 : -1}
            onClick={() => onChange(t.key)}
          >
            {t.label}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={shown && `${id}-${shown.key}`} tabIndex={0}>
        {shown?.content()}
      </div>
    </>
  )
}

export const tabCss = { tabs: css.tabs, tab: css.tab }
