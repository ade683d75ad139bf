// Short messages about what was done, or could not be.
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from 'react'
import { asError } from '~/api/client'
import { IconButton } from './button'
import css from './toast.module.css'
import { StatusIcon } from './status'

type Toast = { id: number; tone: 'ok' | 'bad'; text: ReactNode; hint?: ReactNode }
type Say = { done: (text: ReactNode) => void; failed: (e: unknown) => void }

const Context = createContext<Say>({ done: () => {}, failed: () => {} })

/** How long a good message stays; a bad one stays until it is closed. */
const stays = 5_000

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([])
  const drop = useCallback((id: number) => setToasts((ts) => ts.filter((t) => t.id !== id)), [])
  const say = useMemo<Say>(() => {
    let next = 0
    const add = (t: Omit<Toast, 'id'>) => {
      const id = next++
      setToasts((ts) => [...ts.slice(-3), { ...t, id }])
      if (t.tone === 'ok') setTimeout(() => drop(id), stays)
    }
    return {
      done: (text) => add({ tone: 'ok', text }),
      failed: (e) => {
        const error = asError(e)
        add({ tone: 'bad', text: error.message, hint: error.hint })
      },
    }
  }, [drop])
  return (
    <Context value={say}>
      {children}
      <div className={css.toasts} role="status" aria-live="polite">
        {toasts.map((t) => (
          <div key={t.id} className={css.toast} data-tone={t.tone}>
            <StatusIcon status={t.tone === 'ok' ? 'SUCCEEDED' : 'TERMINAL'} label="" />
            <div>
              {t.text}
              {t.hint && <div className="muted">{t.hint}</div>}
            </div>
            <IconButton small label="Dismiss" onClick={() => drop(t.id)}>
              ✕
            </IconButton>
          </div>
        ))}
      </div>
    </Context>
  )
}

/** useSay returns how to tell what was done, and what failed. */
export const useSay = () => useContext(Context)
