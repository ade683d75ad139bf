import { describe, expect, it } from 'vitest'
import { balancersOf, clusters, inService, itemKey, items, parseRef, parts, refOf, short, siblings, versionOf } from './model'
import { row } from './testing'

describe('names', () => {
  it('reads references', () => {
    const ref = { account: 'a', region: 'r', name: 'replicaSet shop-v003' }
    expect(parseRef(refOf(ref))).toEqual(ref)
    for (const bad of [undefined, '', 'a', 'a/b', 'a/b/', '/b/c']) expect(parseRef(bad)).toBeUndefined()
  })
  const images: [string, string][] = [
    ['/srv/shop/v4', 'v4'],
    ['/srv/shop/v4/', 'v4'],
    ['registry.example.com:5000/team/shop:1.2', 'shop:1.2'],
    [`shop@sha256:${'0'.repeat(64)}`, 'shop'],
    ['shop', 'shop'],
  ]
  for (const [image, want] of images) it(image, () => expect(short(image)).toBe(want))
  const names: [string, string, string][] = [
    ['shop', '', ''],
    ['shop-prod', 'prod', ''],
    ['shop-prod-blue-x', 'prod', 'blue-x'],
    ['shop--blue', '', 'blue'],
    ['replicaSet shop-prod', 'prod', ''],
    ['other', '', ''],
  ]
  for (const [cluster, stack, detail] of names) it(cluster, () => expect(parts({ application: 'shop', cluster })).toEqual({ stack, detail }))
  it('writes versions', () => {
    expect(versionOf({ name: 'shop-v012', version: 12 })).toBe('v012')
    expect(versionOf({ name: 'replicaSet shop-5d4f' })).toBe('shop-5d4f')
  })
})

it('arranges by account, cluster and version', () => {
  const rows = [
    row({ name: 'shop-prod-v000', version: 0, createdTime: 1, loadBalancers: ['b'] }),
    row({ name: 'shop-prod-v001', createdTime: 2, loadBalancers: ['a', 'b'], asOf: 7 }),
    row({ name: 'shop-prod-v001', region: 'q', createdTime: 2, loadBalancers: ['b'] }),
    row({ name: 'shop-v001', cluster: 'shop', account: '0' }),
  ]
  const got = clusters(rows)
  expect(got.map((c) => [c.key, c.regions, balancersOf(c), c.groups.map(refOf)])).toEqual([
    ['0/shop', ['r'], [], ['0/r/shop-v001']],
    ['a/shop-prod', ['q', 'r'], [{ region: 'q', name: 'b' }, { region: 'r', name: 'a' }, { region: 'r', name: 'b' }], ['a/q/shop-prod-v001', 'a/r/shop-prod-v001', 'a/r/shop-prod-v000']],
  ])
  const lines = items(got)
  expect(lines.map((i) => i.kind)).toEqual(['account', 'cluster', 'group', 'account', 'cluster', 'group', 'group', 'group'])
  expect(lines.filter((i) => i.kind === 'account').map((i) => i.asOf)).toEqual([0, 7])
  // A filter hides lines; what a cluster has stays known.
  const few = items(got, (r) => r.version === 0)
  expect(few.map((i) => (i.kind === 'cluster' ? i.cluster.groups.length : i.kind))).toEqual(['account', 3, 'group'])
  expect(new Set(lines.map(itemKey)).size).toBe(lines.length)
  expect(siblings(rows, rows[0]!).map((r) => r.name)).toEqual(['shop-prod-v001', 'shop-prod-v000'])
})

it('counts what gets requests', () => {
  expect(inService(row({ up: 3 }))).toBe(3)
  expect(inService(row({ up: 3, status: 'disabled' }))).toBe(0)
})
