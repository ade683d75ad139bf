import { describe, expect, test } from 'vitest'
import { executionOf, stageOf } from './make'
import { pathOf, progress, statusOf, topLevel, topOf, tree } from './stages'

const deploy = [
  stageOf('2', { requisiteStageRefIds: ['1'], status: 'NOT_STARTED' }),
  stageOf('1>1', { parentStageId: '1', syntheticStageOwner: 'STAGE_AFTER', startTime: 30 }),
  stageOf('1<2', { parentStageId: '1', syntheticStageOwner: 'STAGE_BEFORE', startTime: 20 }),
  stageOf('1<1', { parentStageId: '1', syntheticStageOwner: 'STAGE_BEFORE', startTime: 10 }),
  stageOf('1<1>1', { parentStageId: '1<1', syntheticStageOwner: 'STAGE_AFTER', startTime: 15 }),
  stageOf('1'),
]

test('tree puts parts below their stage, in the order in which they run', () => {
  expect(tree(deploy).map((r) => `${'·'.repeat(r.depth)}${r.stage.id}`)).toEqual(['1', '·1<1', '··1<1>1', '·1<2', '·1>1', '2'])
})

describe('topLevel', () => {
  test.each([
    ['behind what they wait for', [stageOf('b', { requisiteStageRefIds: ['a'] }), stageOf('a')], ['a', 'b']],
    ['behind what is not there', [stageOf('b', { requisiteStageRefIds: ['gone'] })], ['b']],
    ['a circle as it was written', [stageOf('a', { requisiteStageRefIds: ['b'] }), stageOf('b', { requisiteStageRefIds: ['a'] })], ['a', 'b']],
  ])('%s', (_, stages, want) => {
    expect(topLevel(stages).map((s) => s.id)).toEqual(want)
  })
})

test('a part belongs to the written stage, and is named by its path', () => {
  const part = deploy[4]!
  expect(topOf(deploy, part).id).toBe('1')
  expect(pathOf(deploy, part)).toBe('1 / 1<1 / 1<1>1')
})

test.each([
  ['RUNNING', [stageOf('1', { type: 'manualJudgment', status: 'RUNNING' })], 'WAITING', '0/1'],
  ['RUNNING', [stageOf('1', { type: 'manualJudgment' }), stageOf('2', { status: 'RUNNING' })], 'RUNNING', '1/2'],
  ['PAUSED', [stageOf('1', { type: 'manualJudgment', status: 'RUNNING' })], 'PAUSED', '0/1'],
  ['RUNNING', deploy, 'RUNNING', '1/2'],
])('status and progress of %s %#', (status, stages, want, at) => {
  const x = executionOf(stages, { status })
  expect(statusOf(x)).toBe(want)
  expect(progress(x)).toBe(at)
})
