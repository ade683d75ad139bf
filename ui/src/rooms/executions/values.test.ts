import { expect, test } from 'vitest'
import { jobLog, jobOf, manifestsOf, valuesOf } from './values'

test('values are lines; maps of plain values are taken apart, and what says nothing is left out', () => {
  expect(valuesOf({ strategy: 'redblack', capacity: { min: 1, max: 2 }, 'deploy.server.groups': { eu: ['v001', 'v002'] }, loadBalancers: ['a', 'b'], empty: {}, none: [], nothing: null, blank: '', artifact: { digest: '' }, exception: {}, deep: { a: { b: 1 } } })).toEqual([
    { name: 'capacity.max', text: '2', long: false },
    { name: 'capacity.min', text: '1', long: false },
    { name: 'deep', text: '{\n  "a": {\n    "b": 1\n  }\n}', long: true },
    { name: 'deploy.server.groups.eu', text: 'v001, v002', long: false },
    { name: 'loadBalancers', text: 'a, b', long: false },
    { name: 'strategy', text: 'redblack', long: false },
  ])
})

test.each([
  [{}, undefined],
  [{ webhook: { body: { ok: true } } }, { title: 'Answer of the webhook', text: '{\n  "ok": true\n}' }],
  [{ propertyFileContents: { a: 'b' } }, { title: 'Values that the job wrote', text: '{\n  "a": "b"\n}' }],
  [{ completionDetails: { log: 'bye' }, propertyFileContents: {} }, { title: 'Log', text: 'bye' }],
])('log of %j', (of, want) => {
  expect(jobLog(of)).toEqual(want)
})

test.each([
  [{}, []],
  [{ manifests: [{ kind: 'Deployment', metadata: { name: 'web', namespace: 'shop' } }, { kind: 'Namespace', metadata: { name: 'shop' } }, null, { kind: 'List' }] }, ['Deployment web in shop', 'Namespace shop']],
  [{ manifests: 'none' }, []],
])('manifests of %j', (of, want) => {
  expect(manifestsOf(of)).toEqual(want)
})

test.each<[string, Record<string, unknown>, ReturnType<typeof jobOf>]>([
  ['no job', { account: 'local' }, undefined],
  ['none yet', { account: 'local', 'deploy.jobs': {} }, undefined],
  ['one of this machine', { account: 'local', 'deploy.jobs': { local: ['shop-migrate-1'] } }, { account: 'local', location: 'local', name: 'shop-migrate-1' }],
  ['one whose account is known since it runs', { 'deploy.jobs': { local: ['j'] }, jobStatus: { account: 'local' } }, { account: 'local', location: 'local', name: 'j' }],
  ['one of a cluster', { credentials: 'prod', 'deploy.jobs': { shop: ['job migrate'] }, jobStatus: { account: 'prod', mostRecentPodName: 'migrate-b' } }, { account: 'prod', location: 'shop', name: 'job migrate', pod: 'migrate-b' }],
])('the job of a stage: %s', (_, context, want) => expect(jobOf(context)).toEqual(want))
