import { expect, test } from 'vitest'
import { emptyForm, formOf, isComplete, missingOf, problemsOf, sentence, settingsOf, standing } from './account'

test.each([
  ['connected', 'kubernetes', { connected: true }, 'Up', 'Connected'],
  ['of this machine', 'local', { connected: true }, 'Up', 'The node of this machine'],
  ['connected in part', 'kubernetes', { connected: true, reason: 'pods may not be read' }, 'SUSPENDED', 'Pods may not be read'],
  ['new', 'kubernetes', { connected: false, reason: 'it is being connected' }, 'Starting', 'Connecting'],
  ['gone', 'kubernetes', { connected: false, reason: 'no route', seenAt: 60_000 }, 'Down', 'As of 40 s ago: no route'],
  ['never seen', 'kubernetes', { connected: false }, 'Down', 'Not connected'],
])('standing of an account that is %s', (_, cloudProvider, state, status, says) => {
  expect(standing({ cloudProvider, state }, 100_000)).toEqual({ status, says })
})

test.each([
  [{ name: 'prod' }],
  [{ name: 'prod', kubeconfigFile: '/etc/prod.yaml', context: 'admin', environment: 'prod' }],
  [{ name: 'prod', kubeconfigContents: 'env:PROD', namespaces: ['a', 'b'] }],
  [{ name: 'prod', serviceAccount: true, omitNamespaces: ['kube-system'], onlySpinnakerManaged: true, settleSeconds: 9 }],
  [{ name: 'prod', permissions: { READ: ['all'] }, customResources: [{ kubernetesKind: 'A' }] }],
])('%o comes back from its form', (settings) => {
  expect(settingsOf(formOf(settings), settings)).toEqual(settings)
})

test('what a form leaves out is taken away', () => {
  const before = { name: 'prod', kubeconfigFile: '/a', namespaces: ['x'], context: 'c', kinds: ['pod'] }
  expect(settingsOf({ ...formOf(before), way: 'pod', scope: 'but', namespaces: 'y z' }, before)).toEqual({ name: 'prod', serviceAccount: true, omitNamespaces: ['y', 'z'], kinds: ['pod'] })
})

test.each([
  [{ name: 'prod-1' }, {}],
  [{ name: 'Prod' }, { name: /Lower case/ }],
  [{ name: 'local' }, { name: /There is/ }],
  [{ way: 'file', file: 'a.yaml' }, { file: /begins with/ }],
  [{ way: 'secret', secret: 'apiVersion: v1' }, { secret: /env:NAME/ }],
  [{ scope: 'only' }, { namespaces: /at least one/ }],
  [{ settleSeconds: 'soon' }, { settleSeconds: /number/ }],
] as const)('problemsOf %o', (form, want) => {
  const got = problemsOf({ ...emptyForm, ...form }, ['local'])
  expect(Object.keys(got)).toEqual(Object.keys(want))
  for (const [k, v] of Object.entries(want)) expect(got[k as keyof typeof got]).toMatch(v)
})

test.each([
  [emptyForm, false],
  [{ ...emptyForm, name: 'a' }, true],
  [{ ...emptyForm, name: 'a', way: 'file' }, false],
  [{ ...emptyForm, name: 'a', way: 'secret', secret: 'env:A' }, true],
] as const)('isComplete of %o', (form, want) => {
  expect(isComplete(form)).toBe(want)
})

test.each([
  ['', ''],
  ['no route', 'No route'],
  ['gennaker account check says more', 'gennaker account check says more'],
])('sentence(%o) is %o', (text, want) => {
  expect(sentence(text)).toBe(want)
})

test('missingOf says each resource once', () => {
  expect(
    missingOf([
      { apiGroup: 'apps', resource: 'deployments', verbs: ['create', 'patch'], namespace: 'a' },
      { apiGroup: 'apps', resource: 'deployments', verbs: ['create', 'patch'], namespace: 'b' },
      { apiGroup: '', resource: 'nodes', verbs: ['list'] },
    ]),
  ).toEqual([
    { resource: 'deployments.apps', verbs: 'create, patch', where: 'a, b' },
    { resource: 'nodes', verbs: 'list', where: 'everywhere' },
  ])
})
