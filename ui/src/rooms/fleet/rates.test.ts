import { describe, expect, it } from 'vitest'
import type { TrafficSample } from '~/api/events'
import { backends, keyOf, latency, percent, perSecond, rates, remember, split, together, type History } from './rates'
import { row } from './testing'

const sample = (serverGroup: string, requests: number, errors = 0): TrafficSample => ({
  loadBalancer: 'lb', account: 'a', region: 'r', serverGroup, requests, errors, inFlight: 1, latencyMs: 2, weight: 100, inService: 1,
})
const key = keyOf('lb', { account: 'a', region: 'r', name: 'g' })

/** told returns what is known after one counter was told of, second by second. */
const told = (counters: [second: number, requests: number, errors?: number][]): History =>
  counters.reduce<History>((h, [s, requests, errors]) => remember(h, [sample('g', requests, errors)], s * 1_000), new Map())

describe('rates', () => {
  const cases: { name: string; counters: [number, number, number?][]; now: number; requests: number | undefined; errors?: number }[] = [
    { name: 'told once', counters: [[0, 500]], now: 0, requests: undefined },
    { name: 'constant', counters: [[0, 0], [1, 10], [2, 20], [3, 30], [4, 40], [5, 50], [6, 60]], now: 6.4, requests: 10, errors: 0 },
    { name: 'young', counters: [[0, 0], [1, 10], [2, 20]], now: 2, requests: 10 },
    { name: 'told of a little early', counters: [[0, 0], [0.9, 9], [1.8, 18], [2.7, 27], [3.6, 36], [4.5, 45], [5.4, 54], [6.3, 63]], now: 6.3, requests: 10 },
    { name: 'errors', counters: [[0, 0, 0], [1, 10, 5], [2, 20, 10]], now: 2, requests: 10, errors: 5 },
    { name: 'counter began anew', counters: [[0, 1000], [1, 1010], [2, 10]], now: 2, requests: 10 },
    // What is not told of has not changed: a burst after a silence is as it was.
    { name: 'after a silence', counters: [[0, 0], [60, 50]], now: 60, requests: 10 },
    { name: 'ends', counters: [[0, 0], [1, 10], [2, 20]], now: 30, requests: 0, errors: 0 },
  ]
  for (const c of cases)
    it(c.name, () => {
      const got = rates(told(c.counters), c.now * 1_000).get(key)
      if (c.requests === undefined) expect(got).toBeUndefined()
      else expect(got?.requests).toBeCloseTo(c.requests)
      if (c.errors !== undefined) expect(got?.errors).toBe(c.errors)
    })

  it('keeps no more than the window', () => {
    const h = told(Array.from({ length: 1_000 }, (_, i) => [i, i * 10]))
    expect(h.get(key)?.deltas.length).toBeLessThanOrEqual(6)
  })
})

describe('split', () => {
  const old = row({ name: 'g1', version: 1, up: 3, loadBalancers: ['lb'] })
  const next = row({ name: 'g2', version: 2, up: 1, loadBalancers: ['lb'] })
  const other = row({ name: 'g3', version: 3, up: 4, loadBalancers: [] })
  const groups = [other, next, old]

  it('knows what is wanted when nothing is measured', () => {
    const got = split(backends(groups, 'lb'), 'lb', new Map())
    expect(got.total).toBeUndefined()
    expect(got.slices.map((s) => [s.of.name, s.desired, s.measured])).toEqual([['g1', 0.75, undefined], ['g2', 0.25, undefined]])
  })
  it('measures', () => {
    const rate = { errors: 0, inFlight: 0, latencyMs: 10 }
    const got = split(backends(groups, 'lb'), 'lb', new Map([[keyOf('lb', old), { ...rate, requests: 90 }], [keyOf('lb', next), { ...rate, requests: 10, errors: 5, latencyMs: 20 }]]))
    expect(got.slices.map((s) => s.measured)).toEqual([0.9, 0.1])
    expect(got.total).toEqual({ requests: 100, errors: 5, inFlight: 0, latencyMs: 11 })
  })
  it('gives nothing to what is disabled', () => {
    expect(split(backends([next, { ...old, status: 'disabled' }], 'lb'), 'lb', new Map()).slices.map((s) => s.desired)).toEqual([0, 1])
  })
  it('adds load balancers', () => {
    const two = { ...old, loadBalancers: ['lb', 'other'] }
    const rate = { requests: 5, errors: 1, inFlight: 2, latencyMs: 4 }
    expect(together(two, new Map([[keyOf('lb', two), rate], [keyOf('other', two), rate]]))).toEqual({ requests: 10, errors: 2, inFlight: 4, latencyMs: 4 })
    expect(together(two, new Map())).toBeUndefined()
  })
})

it('writes figures', () => {
  expect([0, 0.0004, 0.38, 1].map(percent)).toEqual(['0 %', '0.1 %', '38 %', '100 %'])
  expect([0, 0.44, 9.96, 38.4, 1234].map(perSecond)).toEqual(['0/s', '0.4/s', '10/s', '38/s', '1.2k/s'])
  expect([0.84, 12.3].map(latency)).toEqual(['0.8 ms', '12 ms'])
})
