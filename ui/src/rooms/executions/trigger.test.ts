import { expect, test } from 'vitest'
import { executionOf } from './make'
import { artifactName, inBrief, inShort, parametersOf, reasonOf } from './trigger'

test.each<[Record<string, unknown>, string]>([
  [{ type: 'manual' }, 'by hand'],
  [{}, 'by hand'],
  [{ type: 'pipeline', parentExecution: { id: 'p', name: 'Build' } }, 'by Build'],
  [{ type: 'cron', cronExpression: '0 0 * * * ?' }, 'by the clock (0 0 * * * ?)'],
  [{ type: 'git', project: 'acme', slug: 'shop', branch: 'main' }, 'by a push to acme/shop, main'],
  [{ type: 'docker', repository: 'acme/shop', tag: 'v2' }, 'by the image acme/shop:v2'],
  [{ type: 'jenkins', job: 'shop', buildNumber: 7 }, 'by the build shop #7'],
  [{ type: 'webhook', source: 'deploys' }, 'by the webhook deploys'],
  [{ type: 'pubsub' }, 'by pubsub'],
])('reason of %j', (trigger, want) => {
  expect(reasonOf(executionOf([], { trigger })).text).toBe(want)
})

test('a reason names who, and what started it', () => {
  const trigger = { type: 'pipeline', user: '[anonymous]', dryRun: true, parentExecution: { id: 'p', name: 'Build', application: 'shop' } }
  expect(reasonOf(executionOf([], { trigger }))).toMatchObject({ user: undefined, dryRun: true, parent: { id: 'p', application: 'shop', name: 'Build' } })
})

test('parameters without those that are empty', () => {
  expect(parametersOf(executionOf([], { trigger: { parameters: { a: 'x', b: '', c: null, d: { e: 1 }, f: 50, g: false } } }))).toEqual([
    ['a', 'x'],
    ['d', '{"e":1}'],
    ['f', '50'],
    ['g', 'false'],
  ])
})

test('a line shows plain values only, and artifacts', () => {
  expect(inBrief(executionOf([], { trigger: { parameters: { a: 'x', d: { e: 1 }, l: [1] }, artifacts: [{ name: 'shop', version: '2' }] } }))).toEqual([
    ['a', 'x'],
    ['artifact', 'shop:2'],
  ])
})

test.each([
  ['/srv/artifacts/v4', 'v4'],
  ['https://example.com/a/shop-1.2.tar.gz', 'shop-1.2.tar.gz'],
  ['a sentence / with a slash', 'a sentence / with a slash'],
  ['x'.repeat(40), `${'x'.repeat(31)}…`],
])('%s in short', (value, want) => {
  expect(inShort(value)).toBe(want)
})

test.each([
  [{ name: 'acme/shop', version: 'v2' }, 'acme/shop:v2'],
  [{ name: 'acme/shop:v2', version: 'v2' }, 'acme/shop:v2'],
  [{ reference: '/srv/v4' }, '/srv/v4'],
  [{}, 'artifact'],
])('artifact %j', (artifact, want) => {
  expect(artifactName(artifact)).toBe(want)
})
