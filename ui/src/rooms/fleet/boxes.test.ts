import { describe, expect, it } from 'vitest'
import { at, changed, columnsIn, counted, draw, extent, pitch, place, type Box } from './boxes'

const boxes = (...states: string[]): Box[] => states.map((state, i) => ({ name: `i${i}`, state }))

describe('a strip', () => {
  it('wraps', () => {
    expect(columnsIn(100)).toBe(8)
    expect(columnsIn(3)).toBe(1)
    expect(extent(20, 8)).toEqual({ width: 8 * pitch, height: 3 * pitch })
    expect(extent(3, 8)).toEqual({ width: 3 * pitch, height: pitch })
    expect(extent(0, 8)).toEqual({ width: 0, height: 0 })
  })
  it('finds each box where it is drawn', () => {
    for (let i = 0; i < 20; i++) {
      const { x, y } = place(i, 8)
      expect(at(x + 2, y + 2, 20, 8)).toBe(i)
    }
  })
  const misses: [number, number][] = [[-1, 0], [0, -1], [8 * pitch, 0], [5 * pitch, 2 * pitch + 1], [0, 3 * pitch]]
  for (const [x, y] of misses) it(`finds none at ${x} ${y}`, () => expect(at(x, y, 20, 8)).toBe(-1))

  it('draws each state in a form of its own', () => {
    const states = ['Up', 'Down', 'Starting', 'OutOfService', 'Draining', 'Unknown', 'Succeeded']
    const forms = states.map((s) => draw(boxes(s), 8)[0])
    expect(new Set(forms.map((f) => `${f?.solid}|${f?.line}`)).size).toBe(states.length)
  })
  it('draws ten thousand in one path', () => {
    const drawn = draw(Array.from({ length: 10_000 }, (_, i) => ({ name: `${i}`, state: 'Up' })), 70)
    expect(drawn).toHaveLength(1)
    expect(drawn[0]?.solid.match(/M/g)).toHaveLength(10_000)
  })
})

describe('changes', () => {
  const cases: { name: string; before: Box[]; after: Box[]; want: number[] }[] = [
    { name: 'none', before: boxes('Up', 'Up'), after: boxes('Up', 'Up'), want: [] },
    { name: 'a state', before: boxes('Up', 'Starting'), after: boxes('Up', 'Up'), want: [1] },
    { name: 'a new one', before: boxes('Up'), after: boxes('Up', 'Starting'), want: [1] },
    { name: 'one gone', before: boxes('Up', 'Up'), after: boxes('Up'), want: [] },
    { name: 'everything', before: [], after: boxes(...Array.from({ length: 300 }, () => 'Up')), want: [] },
  ]
  for (const c of cases) it(c.name, () => expect(changed(c.before, c.after)).toEqual(c.want))
})

it('counts in words', () => {
  expect(counted(boxes('Up', 'Down', 'Up'), (s) => s.toLowerCase())).toBe('2 up, 1 down')
  expect(counted([], String)).toBe('none')
})
