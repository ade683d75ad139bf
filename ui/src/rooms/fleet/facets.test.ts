import { describe, expect, it } from 'vitest'
import { active, narrow, type Faceted } from './facets'
import { cleared, fleetSearch, networkSearch, toggled, type FacetSearch, type FleetSearch } from './search'

const of = (name: string, account: string, status: string): Faceted<string> => ({ item: name, facets: { account, status }, text: name })
const all = [of('shop-v001', 'east', 'up'), of('shop-v002', 'east', 'down'), of('till-v001', 'west', 'up'), of('till-v002', 'west', 'disabled')]
const names = ['account', 'status'] as const

describe('narrow', () => {
  const cases: { name: string; search: FacetSearch; items: string[]; counts: Record<string, number> }[] = [
    { name: 'nothing chosen', search: {}, items: ['shop-v001', 'shop-v002', 'till-v001', 'till-v002'], counts: { east: 2, west: 2, up: 2, down: 1, disabled: 1 } },
    // Of accounts what the status leaves, of statuses what the account leaves.
    { name: 'two facets', search: { account: 'east', status: 'up' }, items: ['shop-v001'], counts: { east: 1, west: 1, up: 1, down: 1 } },
    { name: 'two values', search: { status: 'up,down' }, items: ['shop-v001', 'shop-v002', 'till-v001'], counts: { east: 2, west: 1, up: 2, down: 1, disabled: 1 } },
    { name: 'text', search: { q: 'TILL v001' }, items: ['till-v001'], counts: { west: 1, up: 1 } },
    // A value that nothing has any more stays, so that it can be taken back.
    { name: 'gone value', search: { account: 'north' }, items: [], counts: { east: 2, north: 0, west: 2 } },
  ]
  for (const c of cases)
    it(c.name, () => {
      const got = narrow(all, c.search, names)
      expect(got.items).toEqual(c.items)
      expect(Object.fromEntries(got.facets.flatMap((f) => f.values.map((v) => [v.value, v.count])))).toEqual(c.counts)
    })
})

describe('addresses', () => {
  it('keeps what it knows', () => {
    expect(fleetSearch({ q: 5, status: 'up', sg: 'a/b/c', in: 'i', tab: 'logs', bad: 1, account: { a: 1 } })).toEqual({ q: '5', status: 'up', sg: 'a/b/c', in: 'i', tab: 'logs' })
    expect(fleetSearch({ tab: 'nonsense', do: 'explode' })).toEqual({})
    expect(fleetSearch({ sg: 'a/b/c', do: 'rollback' })).toEqual({ sg: 'a/b/c', do: 'rollback' })
    expect(networkSearch({ lb: 'a/b/c', sg: 'x' })).toEqual({ lb: 'a/b/c' })
  })
  it('toggles and clears', () => {
    const none: FleetSearch = { sg: 'x' }
    const one = toggled(none, 'status', 'up')
    expect(one).toEqual({ sg: 'x', status: 'up' })
    const two = toggled(one, 'status', 'down')
    expect(two.status).toBe('up,down')
    expect(active({ ...two, q: 'a' }, names)).toBe(3)
    expect(toggled(toggled(two, 'status', 'up'), 'status', 'down')).toEqual({ sg: 'x' })
    expect(cleared({ ...two, q: 'a' })).toEqual({ sg: 'x' })
  })
})
