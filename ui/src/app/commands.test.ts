import { expect, test } from 'vitest'
import { here, isExecutionID, offer, ofApplications, ofFound, ofPipelines, places, score, sought, type Command } from './commands'

const labels = (offered: ReturnType<typeof offer>) => offered.flatMap((o) => o.commands.map((c) => c.label))
const shop = [{ id: 'p1', name: 'Deploy to production', application: 'shop', disabled: false }]
const api = [{ id: 'p2', name: 'Deploy', application: 'api', disabled: true }]

test.each([
  ['shop', 'shop', 'workshop'],
  ['shop', 'shop', 'shop-web'],
  ['web', 'shop-web', 'cobweb'],
  ['dp', 'Deploy to Production', 'sandpit'],
  ['deploy shop', 'Deploy shop', 'Deploy api'],
])('for %o, %o goes before %o', (typed, better, worse) => {
  expect(score({ label: better }, typed)).toBeGreaterThan(score({ label: worse }, typed))
})

test.each([
  ['xyz', 'shop'],
  ['shop xyz', 'shop'],
  ['so', 'shop'],
])('%o does not fit %o', (typed, label) => {
  expect(score({ label }, typed)).toBe(0)
})

test('a hint fits, but less', () => {
  expect(score({ label: 'Deploy', hint: 'shop' }, 'deploy shop')).toBeGreaterThan(0)
  expect(score({ label: 'shop' }, 'shop')).toBeGreaterThan(score({ label: 'Deploy', hint: 'shop' }, 'shop'))
})

test('nothing typed: what was used last, then what is here, then the rest', () => {
  const all = [...places(), ...here('shop'), ...ofPipelines([...shop, ...api])]
  const got = offer(all, '', ['/health', 'start p1'], 'shop')
  expect(got.map((g) => g.group)).toEqual(['Recent', 'Here', 'Actions', 'Pages', 'Theme'])
  expect(got[0]!.commands.map((c) => c.label)).toEqual(['Health', 'Start Deploy to production'])
  expect(labels(got)).not.toContain('Start Deploy')
})

test('what is of the application goes before what is always there, and once', () => {
  const all = [...places(), ...here('shop'), ...ofApplications([{ name: 'shop' }, { name: 'api' }]), ...ofPipelines(shop)]
  const got = offer(all, '', [], 'shop')
  expect(got.find((g) => g.group === 'Here')?.commands[0]?.label).toBe('shop: Fleet')
  expect(got.find((g) => g.group === 'Actions')?.commands[0]?.label).toBe('Start Deploy to production')
})

test('in an application its things go before', () => {
  const all = ofPipelines([
    { id: 'a', name: 'Deploy', application: 'api', disabled: false },
    { id: 'b', name: 'Deploy', application: 'shop', disabled: false },
  ])
  const first = offer(all, 'deploy', [], 'shop').find((g) => g.group === 'Pipelines')!.commands[0]
  expect(first?.hint).toBe('shop')
})

test('a pipeline that is disabled is not started', () => {
  expect(ofPipelines(api).map((c) => c.label)).toEqual(['Deploy', 'Edit Deploy'])
})

test('paths hold whatever names hold', () => {
  const to = (c: Command) => ('to' in c ? c.to : '')
  expect(ofApplications([{ name: 'a/b c' }]).map(to)).toEqual(['/applications/a%2Fb%20c'])
  expect(ofPipelines([{ id: 'x', name: 'A & B', application: 'shop', disabled: false }]).map(to)).toEqual(['/applications/shop/pipelines?name=A+%26+B', '/applications/shop/pipelines?start=x', '/applications/shop/pipelines/x'])
})

test('of clusters the newest server group is rolled back', () => {
  const found = ['v000', 'v002', 'v001'].map((v) => ({ type: 'serverGroups', name: `shop-prod-${v}`, cluster: 'shop-prod', application: 'shop', account: 'local', region: 'local' }))
  const got = ofFound([{ type: 'clusters', name: 'shop-prod', application: 'shop', account: 'local' }, ...found, { type: 'instances', name: 'i-1', serverGroup: 'shop-prod-v000', application: 'shop', account: 'local', region: 'local' }, { type: 'projects', name: 'x' }])
  expect(got.map((c) => c.label)).toEqual(['Cluster shop-prod', 'shop-prod-v000', 'shop-prod-v002', 'shop-prod-v001', 'i-1', 'Roll back shop-prod'])
  expect(got.at(-1)).toMatchObject({ to: '/applications/shop?sg=local%2Flocal%2Fshop-prod-v002&do=rollback' })
})

test.each([
  ['01M84W6Z2HQDRP4RB5XWPZD5DZ', true],
  [' 01m84w6z2hqdrp4rb5xwpzd5dz ', true],
  ['01M84W6Z2HQDRP4RB5XWPZD5D', false],
  ['deploy to production please', false],
])('isExecutionID(%o) is %o', (text, want) => {
  expect(isExecutionID(text)).toBe(want)
})

test.each([
  ['roll back shop', 'shop'],
  ['rollback shop', 'shop'],
  ['shop', 'shop'],
  ['rolling', 'rolling'],
  ['roll', ''],
])('sought in %o is %o', (typed, want) => {
  expect(sought(typed)).toBe(want)
})

test('of each group there are few, however many fit', () => {
  const all = ofApplications(Array.from({ length: 10_000 }, (_, i) => ({ name: `app${i}` })))
  const got = offer(all, 'app', [], undefined)
  expect(got).toHaveLength(1)
  expect(got[0]!.commands).toHaveLength(7)
})
