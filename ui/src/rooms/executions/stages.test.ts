import { describe, expect, test } from 'vitest'
import { executionOf, stageOf } from './make'
import { pathOf, progress, statusOf, steps, tookOf, topLevel, topOf, tree } from './stages'

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

describe('steps', () => {
  const part = (id: string, parent: string, owner: 'STAGE_BEFORE' | 'STAGE_AFTER', requires: string[] = []) => stageOf(id, { parentStageId: parent, syntheticStageOwner: owner, requisiteStageRefIds: requires })
  test.each([
    ['several stages are steps', [stageOf('1'), stageOf('2', { requisiteStageRefIds: ['1'] }), part('1<1', '1', 'STAGE_BEFORE')], ['1<-', '2<-1']],
    ['one stage is taken apart', [part('1<1', '1', 'STAGE_BEFORE'), part('1>1', '1', 'STAGE_AFTER'), part('1>2', '1', 'STAGE_AFTER', ['1>1']), stageOf('1', { tasks: [{ id: '1', name: 't', status: 'SUCCEEDED', stageStart: true, stageEnd: true, loopStart: false, loopEnd: false }] })], ['1<1<-', '1<-1<1', '1>1<-1', '1>2<-1>1']],
    ['a frame without tasks is not shown', [part('1<1', '1', 'STAGE_BEFORE'), part('1<2', '1', 'STAGE_BEFORE'), part('1>1', '1', 'STAGE_AFTER'), stageOf('1')], ['1<1<-', '1<2<-', '1>1<-1<1,1<2']],
    ['nothing', [], []],
  ])('%s', (_, stages, want) => {
    expect(steps(stages).map((s) => `${s.stage.id}<-${s.requires.join(',')}`)).toEqual(want)
  })

  test('a stage took what its parts did not', () => {
    expect(tookOf(stageOf('a', { startTime: 10, endTime: 110 }), 0, [stageOf('b', { startTime: 20, endTime: 50 })])).toBe(70)
    expect(tookOf(stageOf('a', { startTime: 10, status: 'RUNNING' }), 25)).toBe(15)
    expect(tookOf(stageOf('a', { status: 'NOT_STARTED' }), 25)).toBeUndefined()
  })
})
