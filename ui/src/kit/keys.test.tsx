import { afterEach, expect, test, vi } from 'vitest'
import { Keyboard, keyOf } from './keys'

afterEach(() => {
  document.body.innerHTML = ''
  vi.useRealTimers()
})

const press = (keyboard: Keyboard, init: KeyboardEventInit, on: Element = document.body) => {
  let event = new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init })
  on.addEventListener('keydown', (e) => keyboard.press(e as KeyboardEvent), { once: true })
  on.dispatchEvent(event)
  return event.defaultPrevented
}

const scope = (shortcuts: Record<string, { does: string; run: () => void; always?: boolean }>) => ({ current: { title: 'test', shortcuts } })

test.each([
  [{ key: 'j' }, 'j'],
  [{ key: 'K', shiftKey: true, ctrlKey: true }, 'mod+shift+k'],
  [{ key: 'k', metaKey: true }, 'mod+k'],
  [{ key: '?', shiftKey: true }, '?'],
  [{ key: 'Enter' }, 'Enter'],
])('%j is %s', (init, want) => expect(keyOf(new KeyboardEvent('keydown', init))).toBe(want))

test('what came last wins, and what is gone does nothing', () => {
  const keyboard = new Keyboard()
  const done: string[] = []
  const note = (what: string) => ({ does: what, run: () => void done.push(what) })
  keyboard.add(scope({ j: note('page') }))
  const leave = keyboard.add(scope({ j: note('dialog') }))
  expect(press(keyboard, { key: 'j' })).toBe(true)
  leave()
  press(keyboard, { key: 'j' })
  expect(press(keyboard, { key: 'x' })).toBe(false)
  expect(done).toEqual(['dialog', 'page'])
  expect(keyboard.all().map((s) => Object.keys(s.shortcuts))).toEqual([['j']])
})

test('sequences wait a second for their end', () => {
  vi.useFakeTimers()
  const keyboard = new Keyboard()
  const run = vi.fn()
  keyboard.add(scope({ 'g f': { does: 'fleet', run } }))
  press(keyboard, { key: 'g' })
  press(keyboard, { key: 'f' })
  expect(run).toHaveBeenCalledTimes(1)
  press(keyboard, { key: 'f' })
  press(keyboard, { key: 'g' })
  vi.advanceTimersByTime(1_001)
  press(keyboard, { key: 'f' })
  expect(run).toHaveBeenCalledTimes(1)
})

test('who types is not disturbed, but by what is always there', () => {
  const keyboard = new Keyboard()
  const plain = vi.fn()
  const always = vi.fn()
  keyboard.add(scope({ j: { does: 'next', run: plain }, 'mod+k': { does: 'palette', run: always, always: true } }))
  document.body.innerHTML = '<input id="name"><div class="cm-editor"><p id="code"></p></div><input type="checkbox" id="box">'
  press(keyboard, { key: 'j' }, document.getElementById('name')!)
  press(keyboard, { key: 'j' }, document.getElementById('code')!)
  expect(plain).not.toHaveBeenCalled()
  press(keyboard, { key: 'j' }, document.getElementById('box')!)
  expect(plain).toHaveBeenCalledTimes(1)
  press(keyboard, { key: 'k', ctrlKey: true }, document.getElementById('name')!)
  expect(always).toHaveBeenCalledTimes(1)
})
