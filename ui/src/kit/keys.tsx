// Shortcuts: a page says which keys it has, and the sheet behind "?" lists those
// of everything that is on the page.
import { createContext, useContext, useEffect, useMemo, useRef, type ReactNode } from 'react'

/** Shortcut is what a key does. Keys are "j", "mod+k", "shift+r", or a sequence as "g f". */
export type Shortcut = { does: string; run: (e: KeyboardEvent) => void; /** also while a text is being typed */ always?: boolean }
export type Shortcuts = Record<string, Shortcut>

/** keyOf names what was pressed as Shortcuts do. Pure. */
export function keyOf(e: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>): string {
  const key = e.key.length === 1 ? e.key.toLowerCase() : e.key
  const letter = /^[a-z]$/.test(key) || e.key.length > 1
  return [(e.ctrlKey || e.metaKey) && 'mod', e.altKey && 'alt', e.shiftKey && letter && 'shift', key].filter(Boolean).join('+')
}

type Scope = { title: string; shortcuts: Shortcuts }

/** Keyboard is what keys do at the moment; scopes that came later win. */
export class Keyboard {
  private scopes: { current: Scope }[] = []
  private before = ''
  private timer: ReturnType<typeof setTimeout> | undefined

  add(scope: { current: Scope }): () => void {
    this.scopes.push(scope)
    return () => {
      this.scopes = this.scopes.filter((s) => s !== scope)
    }
  }

  /** all lists the shortcuts of the page by scope. */
  all(): Scope[] {
    return this.scopes.map((s) => s.current).filter((s) => Object.keys(s.shortcuts).length > 0)
  }

  private find(keys: string): Shortcut | undefined {
    for (const s of this.scopes.toReversed()) {
      const found = s.current.shortcuts[keys]
      if (found) return found
    }
    return undefined
  }

  /** press does what a key is for. */
  press(e: KeyboardEvent) {
    if (e.defaultPrevented || e.isComposing) return
    const key = keyOf(e)
    const target = e.target instanceof Element ? e.target : null
    const typing = target?.closest('input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true], .cm-editor') != null
    const dialog = document.querySelector('[role=dialog],[role=menu]')
    const sequence = this.before ? `${this.before} ${key}` : key
    this.before = ''
    clearTimeout(this.timer)
    const found = this.find(sequence) ?? this.find(key)
    if (found) {
      if ((typing || (dialog && !dialog.contains(target))) && !found.always) return
      if (dialog && !found.always) return
      e.preventDefault()
      found.run(e)
      return
    }
    if (!typing && !dialog && this.scopes.some((s) => Object.keys(s.current.shortcuts).some((k) => k.startsWith(`${key} `)))) {
      this.before = key
      this.timer = setTimeout(() => (this.before = ''), 1_000)
    }
  }
}

const Context = createContext(new Keyboard())

export function KeyboardProvider({ children }: { children: ReactNode }) {
  const keyboard = useMemo(() => new Keyboard(), [])
  useEffect(() => {
    const press = (e: KeyboardEvent) => keyboard.press(e)
    window.addEventListener('keydown', press)
    return () => window.removeEventListener('keydown', press)
  }, [keyboard])
  return <Context value={keyboard}>{children}</Context>
}

export const useKeyboard = () => useContext(Context)

/** useKeys adds shortcuts while the component is on the page. */
export function useKeys(title: string, shortcuts: Shortcuts) {
  const keyboard = useKeyboard()
  const scope = useRef<Scope>({ title, shortcuts })
  useEffect(() => {
    scope.current = { title, shortcuts }
  })
  useEffect(() => keyboard.add(scope), [keyboard])
}
