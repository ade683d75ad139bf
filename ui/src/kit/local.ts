// What this browser remembers of its user: stars, recent places.
import { useCallback, useMemo, useSyncExternalStore } from 'react'

const changed = new EventTarget()
const read = (key: string) => {
  try {
    return localStorage.getItem(key) ?? '[]'
  } catch {
    return '[]'
  }
}

/** texts reads a list of texts; what is none is dropped. Pure. */
export function texts(json: string): string[] {
  try {
    const list: unknown = JSON.parse(json)
    return Array.isArray(list) ? list.filter((x) => typeof x === 'string') : []
  } catch {
    return []
  }
}

/** rememberTexts keeps a list of texts under a key, for this page and those to come. */
export function rememberTexts(key: string, list: string[]) {
  try {
    localStorage.setItem(key, JSON.stringify(list))
  } catch {
    // It is not remembered, then.
  }
  changed.dispatchEvent(new Event('change'))
}

/** recallTexts returns what rememberTexts kept under a key. */
export const recallTexts = (key: string) => texts(read(key))

/** useTexts returns the list that is remembered under a key, and how to change it. */
export function useTexts(key: string): [string[], (list: string[]) => void] {
  const json = useSyncExternalStore(listen, () => read(key))
  return [useMemo(() => texts(json), [json]), useCallback((list) => rememberTexts(key, list), [key])]
}

function listen(f: () => void): () => void {
  changed.addEventListener('change', f)
  window.addEventListener('storage', f)
  return () => {
    changed.removeEventListener('change', f)
    window.removeEventListener('storage', f)
  }
}
