import { describe, expect, it } from 'vitest'
import { addresses, backendsOf, create, deleting, firewallsIn, remove, ruleText, wrongAddress, type Balancer, type Firewall } from './network'

const lb = (given: Partial<Balancer> = {}): Balancer => ({ name: 'shop', account: 'a', region: 'r', cloudProvider: 'local', type: 'local', listen: '', serverGroups: [], ...given })
const behind = (name: string, inService: number) => ({ name, account: 'a', region: 'r', isDisabled: inService === 0, weight: 100, inService, cloudProvider: 'local', detachedInstances: [], instances: [] })

describe('addresses', () => {
  const cases: [Partial<Balancer>, string[]][] = [
    [{ listen: '127.0.0.1:80' }, ['127.0.0.1:80']],
    [{}, []],
    [{ ports: [{ port: 80, targetPort: 'http' }, { port: 53, protocol: 'UDP', targetPort: '53' }] }, ['80 → http', '53 UDP']],
    [{ hosts: ['shop.example.com', '10.0.0.1'], ports: [{ port: 443, protocol: 'TCP' }] }, ['shop.example.com: 443', '10.0.0.1: 443']],
    [{ hosts: ['shop.example.com'] }, ['shop.example.com']],
  ]
  for (const [given, want] of cases) it(JSON.stringify(given), () => expect(addresses(lb(given))).toEqual(want))
})

it('finds what is behind', () => {
  expect(backendsOf(lb({ serverGroups: [behind('shop-v002', 1), behind('shop-v001', 0)] })).map((b) => [b.name, b.version, b.inService])).toEqual([['shop-v001', 1, 0], ['shop-v002', 2, 1]])
})

it('writes rules', () => {
  expect(ruleText({ protocol: 'TCP', portRanges: [{ startPort: 80, endPort: 80 }, { startPort: 8000, endPort: 8010 }, { startPortName: 'http' }] })).toBe('TCP 80, 8000–8010, http')
  expect(ruleText({ protocol: 'UDP', portRanges: [] })).toBe('UDP all ports')
})

it('picks firewalls', () => {
  expect(firewallsIn([{ kind: 'NetworkPolicy' }, { kind: 'Service' }] as Firewall[])).toHaveLength(1)
})

describe('operations', () => {
  const addressCases: [string, boolean][] = [['127.0.0.1:8080', true], [':80', true], ['[::1]:80', true], ['80', false], ['host:', false], ['host:0', false], ['host:70000', false]]
  for (const [listen, ok] of addressCases) it(listen, () => expect(wrongAddress(listen) === undefined).toBe(ok))
  it('belong to an application', () => {
    expect(remove('shop', lb()).application).toBe('shop')
    expect(remove('shop', lb({ application: 'till' })).application).toBe('till')
    expect(create({ application: 'shop', account: 'a', region: 'r', cloudProvider: 'local', name: 'shop', listen: ':80' }).job).toHaveLength(1)
  })
  it('say what they would do', () => {
    expect(deleting(lb({ listen: ':80', serverGroups: [behind('shop-v001', 2), behind('shop-v000', 0)] }), 12.3)).toEqual(['Nothing listens on :80 any more.', 'It gets 12 requests a second now: they will fail.', 'shop-v001 gets no more requests through it.'])
  })
})
