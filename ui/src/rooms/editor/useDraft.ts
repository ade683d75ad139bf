import { useEffect, useRef } from 'react'
import { dropDraft, saveDraft, type Draft } from './draft'

/** How long one goes on typing until a draft is kept, in milliseconds. */
const pause = 250

/** useDraft keeps a draft while there is one, and drops it when there is none; also when the page is left. */
export function useDraft(key: string, draft: Omit<Draft, 'at'> | undefined) {
  const { doc, text, base } = draft ?? {}
  const last = useRef<() => void>(() => {})
  useEffect(() => {
    let kept = false
    const keep = () => {
      if (kept) return
      kept = true
      if (doc) saveDraft(localStorage, key, { doc, text, base, at: Date.now() })
      else dropDraft(localStorage, key)
    }
    last.current = keep
    const timer = setTimeout(keep, pause)
    window.addEventListener('pagehide', keep)
    return () => {
      clearTimeout(timer)
      window.removeEventListener('pagehide', keep)
    }
  }, [key, doc, text, base])
  useEffect(() => () => last.current(), [])
}
