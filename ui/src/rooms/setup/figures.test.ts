import { expect, test } from 'vitest'
import { bytes, findings } from './figures'

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [160_712, '161 kB'],
  [95_989_760, '96.0 MB'],
  [2_500_000_000, '2.5 GB'],
])('bytes(%i) is %s', (n, want) => {
  expect(bytes(n)).toBe(want)
})

const server = { version: 'v1', executions: { running: 0, buffered: 0, paused: 0, stored: 0 }, database: { bytes: 1, walBytes: 1 } }
const node = { state: 'UP', version: 'v1', problems: [] }
const account = (name: string, connected: boolean) => ({ name, cloudProvider: 'kubernetes', state: { connected } })

test('all is well', () => {
  expect(findings({ health: { status: 'UP' }, server, node, accounts: [account('local', true)] })).toEqual([])
  expect(findings({})).toEqual([])
})

test.each([
  ['the server', { health: { status: 'DOWN', reasons: ['the disk is full'] } }, /cannot do its work: the disk is full/],
  ['the node', { node: { ...node, state: 'DOWN', reason: 'it crashed' } }, /node of this machine is down: it crashed/],
  ['what the node read', { node: { ...node, problems: ['a.json'] } }, /could not read something: a.json/],
  ['versions', { server, node: { ...node, version: 'v0' } }, /node is version v0, the server v1/],
  ['an account', { accounts: [account('a', false), account('b', true)] }, /^a is not connected/],
  ['accounts', { accounts: [account('a', false), account('b', false), account('c', false)] }, /^a, b and c are not connected/],
  ['what is paused', { server: { ...server, executions: { ...server.executions, paused: 2 } } }, /2 executions are paused/],
  ['the log', { server: { ...server, database: { bytes: 1, walBytes: 300e6 } } }, /300 MB of the database/],
])('findings tell of %s', (_, known, want) => {
  expect(findings(known).map((f) => f.says)).toEqual([expect.stringMatching(want)])
})

test('the worst comes first', () => {
  expect(findings({ accounts: [account('a', false)], node: { ...node, state: 'DOWN' } }).map((f) => f.tone)).toEqual(['bad', 'wait'])
})
