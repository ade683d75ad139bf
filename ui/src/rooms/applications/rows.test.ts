import { expect, test } from 'vitest'
import { accountsOf, countStates, healthOf, lastResult, shown, type Row } from './rows'

const none = { total: 0, up: 0, down: 0, unknown: 0, outOfService: 0, starting: 0, succeeded: 0, failed: 0 }
const row = (name: string, more: Partial<Row> = {}): Row => ({ name, accounts: ['local'], cloudProviders: ['local'], clusters: 1, serverGroups: 1, saved: true, health: none, runs: [], running: 0, waiting: 0, ...more })
const run = (status: string, buildTime: number, endTime?: number) => ({ id: `${buildTime}`, name: 'Deploy', status, buildTime, startTime: buildTime, endTime })

const rows = [
  row('shop', { email: 'ann@example.com', lastDeployment: 20, running: 1, runs: [run('TERMINAL', 1, 2), run('RUNNING', 3)], health: { ...none, total: 3, up: 3 } }),
  row('api', { description: 'What all ask', accounts: ['prod'], lastDeployment: 30, runs: [run('SUCCEEDED', 5, 6)], health: { ...none, total: 2, up: 1, down: 1 } }),
  row('worker', { waiting: 1, running: 1, health: { ...none, total: 9, up: 9 } }),
]

test.each([
  ['all, by name', {}, [], ['api', 'shop', 'worker']],
  ['stars first', {}, ['worker'], ['worker', 'api', 'shop']],
  ['a word of the name', { q: 'SHO' }, [], ['shop']],
  ['words of several fields', { q: 'ann shop' }, [], ['shop']],
  ['a word of the description', { q: 'ask' }, [], ['api']],
  ['nothing', { q: 'xyz' }, [], []],
  ['an account', { account: 'prod' }, [], ['api']],
  ['what runs', { state: 'running' }, [], ['shop', 'worker']],
  ['what waits', { state: 'waiting' }, [], ['worker']],
  ['what failed last', { state: 'failed' }, [], ['shop']],
  ['what is not healthy', { state: 'unhealthy' }, [], ['api']],
  ['stars only', { state: 'starred' }, ['api'], ['api']],
  ['newest deployment first', { order: 'deployed' }, [], ['api', 'shop', 'worker']],
  ['busiest first', { order: 'active' }, [], ['worker', 'shop', 'api']],
  ['largest first', { order: 'size' }, [], ['worker', 'shop', 'api']],
] as const)('shown: %s', (_, search, stars, want) => {
  expect(shown(rows, search, new Set(stars)).map((r) => r.name)).toEqual(want)
})

test('countStates counts each', () => {
  expect(countStates(rows, new Set(['api']))).toEqual({ running: 2, waiting: 1, failed: 1, unhealthy: 1, starred: 1 })
})

test('accountsOf names each once', () => {
  expect(accountsOf(rows)).toEqual(['local', 'prod'])
})

test('lastResult is of a run that ended', () => {
  expect(lastResult(rows[0]!)).toBe('TERMINAL')
  expect(lastResult(row('a'))).toBeUndefined()
})

test.each([
  ['down', { up: 5, down: 1 }],
  ['down', { failed: 1 }],
  ['starting', { up: 5, starting: 1 }],
  ['unknown', { unknown: 1, up: 1 }],
  ['up', { up: 1, outOfService: 4 }],
  ['disabled', { outOfService: 4 }],
  ['empty', {}],
])('healthOf is %s of %o', (want, counts) => {
  expect(healthOf({ ...none, ...counts })).toBe(want)
})
