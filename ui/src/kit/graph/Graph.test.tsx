// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { Graph, type GraphNode } from './Graph'

beforeAll(() => {
  // jsdom lays nothing out; sizes never change in it.
  vi.stubGlobal('ResizeObserver', class { observe() {} disconnect() {} })
})
afterEach(cleanup)

const nodes: GraphNode[] = [
  { id: 'a', requires: [] },
  { id: 'b', requires: ['a'] },
  { id: 'c', requires: ['a'] },
]

function shown(onSelect: (id: string) => void, of = nodes) {
  return render(<Graph nodes={of} label="Stages" selected="a" onSelect={onSelect} nodeLabel={(n) => `Stage ${n.id}`} renderNode={(n) => <i>{n.id}</i>} />)
}

test('keys walk along edges, and a click selects', () => {
  const onSelect = vi.fn()
  shown(onSelect)
  const a = screen.getByRole('button', { name: 'Stage a' })
  expect(a.getAttribute('aria-current')).toBe('true')
  a.focus()
  fireEvent.keyDown(a, { key: 'ArrowRight' })
  expect(document.activeElement?.getAttribute('aria-label')).toBe('Stage b')
  fireEvent.keyDown(document.activeElement!, { key: 'ArrowDown' })
  expect(document.activeElement?.getAttribute('aria-label')).toBe('Stage c')
  fireEvent.click(document.activeElement!)
  expect(onSelect).toHaveBeenCalledExactlyOnceWith('c')
})

test('one node only is a stop of the tab key', () => {
  shown(() => {})
  expect(screen.getAllByRole('button', { name: /^Stage/ }).filter((b) => b.tabIndex === 0)).toHaveLength(1)
})

test('of many nodes only those in sight are on the page', () => {
  const many = Array.from({ length: 500 }, (_, i) => ({ id: `n${i}`, requires: i === 0 ? [] : [`n${i - 1}`] }))
  shown(() => {}, many)
  const there = screen.getAllByRole('button', { name: /^Stage/ })
  expect(there.length).toBeGreaterThan(0)
  expect(there.length).toBeLessThan(60)
})
