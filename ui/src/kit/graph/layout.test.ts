import { describe, expect, test } from 'vitest'
import { layout, neighbour, spread, type GraphNode, type Layout } from './layout'

/** graph reads "a b:a c:a,b": names with what they require. */
const graph = (text: string): GraphNode[] =>
  text
    .split(' ')
    .filter(Boolean)
    .map((n) => {
      const [id = '', requires = ''] = n.split(':')
      return { id, requires: requires.split(',').filter(Boolean) }
    })

const places = (l: Layout) => Object.fromEntries(l.nodes.map((n) => [n.id, [n.x, n.y]]))

describe('layout', () => {
  test.each<[string, string, Record<string, number[]>]>([
    ['nothing', '', {}],
    ['one', 'a', { a: [0, 0] }],
    ['a chain is straight', 'a b:a c:b', { a: [0, 0], b: [1, 0], c: [2, 0] }],
    ['a fork opens around its beginning, and closes', 'a b:a c:a d:b,c', { a: [0, 0.5], b: [1, 0], c: [1, 1], d: [2, 0.5] }],
    ['the longest path decides the column', 'a b:a c:a,b', { a: [0, 0.5], b: [1, 0], c: [2, 0.5] }],
    ['what is apart has rows of its own', 'a b', { a: [0, 0], b: [0, 1] }],
    ['an unknown name is left out', 'a:x b:a', { a: [0, 0], b: [1, 0] }],
    ['a circle is cut', 'a:b b:a', { b: [0, 0], a: [1, 0] }],
    ['one that requires itself', 'a:a', { a: [0, 0] }],
    ['a name twice is one', 'a a b:a,a', { a: [0, 0], b: [1, 0] }],
  ])('%s', (_, text, want) => {
    expect(places(layout(graph(text)))).toEqual(want)
  })

  test('rows are ordered so that nothing crosses that need not', () => {
    const l = layout(graph('a b c:b d:a e:d f:c'))
    const y = (id: string) => l.nodes.find((n) => n.id === id)!.y
    expect(Math.sign(y('c') - y('d'))).toBe(Math.sign(y('b') - y('a')))
    expect(Math.sign(y('f') - y('e'))).toBe(Math.sign(y('c') - y('d')))
  })

  test('a long edge passes beside the nodes between', () => {
    const l = layout(graph('a b:a c:b d:a,c'))
    const long = l.edges.find((e) => e.from === 'a' && e.to === 'd')!
    expect(long.via.map((v) => v.x)).toEqual([1, 2])
    for (const v of long.via) expect(Math.abs(v.y - l.nodes.find((n) => n.x === v.x)!.y)).toBeGreaterThanOrEqual(1)
  })

  test('no two nodes of a column are nearer than a row, and the size holds all', () => {
    const l = layout(wide(500, 7))
    for (const a of l.nodes) {
      expect(a.x).toBeLessThan(l.columns)
      expect(a.y + 1).toBeLessThanOrEqual(l.rows)
      for (const b of l.nodes) if (a !== b && a.x === b.x) expect(Math.abs(a.y - b.y)).toBeGreaterThanOrEqual(0.99)
    }
  })

  test('an edge never goes back', () => {
    const l = layout(wide(500, 3))
    const x = new Map(l.nodes.map((n) => [n.id, n.x]))
    for (const e of l.edges) expect(x.get(e.from)!).toBeLessThan(x.get(e.to)!)
  })
})

/** wide is a graph of n nodes, each behind up to three earlier ones; the same for the same seed. */
function wide(n: number, seed: number): GraphNode[] {
  const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
  return Array.from({ length: n }, (_, i) => ({
    id: `n${i}`,
    requires: i < 5 ? [] : Array.from({ length: 1 + Math.floor(random() * 3) }, () => `n${Math.max(0, i - 1 - Math.floor(random() * 25))}`),
  }))
}

test.each<[number[], number[]]>([
  [[], []],
  [[5], [5]],
  [
    [0, 0],
    [-0.5, 0.5],
  ],
  [
    [0, 3],
    [0, 3],
  ],
  [
    [2, 2, 2],
    [1, 2, 3],
  ],
  [
    [0, 4, 4],
    [0, 3.5, 4.5],
  ],
])('spread %j', (wanted, want) => {
  expect(spread(wanted)).toEqual(want)
})

test.each<[string, 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown', string | undefined]>([
  ['a', 'ArrowRight', 'b'],
  ['b', 'ArrowDown', 'c'],
  ['c', 'ArrowUp', 'b'],
  ['b', 'ArrowUp', undefined],
  ['d', 'ArrowLeft', 'b'],
  ['d', 'ArrowRight', undefined],
  ['gone', 'ArrowRight', 'a'],
])('neighbour of %s by %s', (id, key, want) => {
  expect(neighbour(layout(graph('a b:a c:a d:b,c')), id, key)).toBe(want)
})
