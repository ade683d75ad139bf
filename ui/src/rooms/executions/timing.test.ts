import { describe, expect, test } from 'vitest'
import type { Stage } from '~/api/queries'
import { executionOf, stageOf } from './make'
import { paint, summary, tickName, ticks, timing, type Segment } from './timing'

const at = (id: string, startTime: number | undefined, endTime: number | undefined, more: Partial<Stage> = {}) =>
  stageOf(id, { startTime, endTime, status: endTime ? 'SUCCEEDED' : startTime ? 'RUNNING' : 'NOT_STARTED', ...more })
const written = (segments: Segment[]) => segments.map((s) => `${s.kind} ${s.from}-${s.to}`).join(', ')
const whole = { buildTime: 1_000, startTime: 1_000, endTime: 11_000 }

describe('timing', () => {
  test.each<[string, Stage[], Record<string, string>]>([
    ['one stage', [at('a', 1_000, 11_000)], { a: 'running 1000-11000' }],
    ['a stage is queued from the end of those before it', [at('a', 1_000, 3_000), at('b', 5_000, 11_000, { requisiteStageRefIds: ['a'] })], { a: 'running 1000-3000', b: 'queued 3000-5000, running 5000-11000' }],
    ['what waits for something that runs is not queued', [at('a', 1_000, undefined), at('b', undefined, undefined, { requisiteStageRefIds: ['a'] })], { a: 'running 1000-11000', b: '' }],
    ['a judgment waits for a person', [at('a', 1_000, 11_000, { type: 'manualJudgment' })], { a: 'person 1000-11000' }],
    [
      'a stage does what its parts do',
      [at('a', 1_000, 11_000, { tasks: [] }), at('a<1', 1_000, 4_000, { parentStageId: 'a', syntheticStageOwner: 'STAGE_BEFORE', type: 'restrictExecutionDuringTimeWindow' }), at('a>1', 8_000, 11_000, { parentStageId: 'a', syntheticStageOwner: 'STAGE_AFTER', type: 'wait' })],
      { a: 'window 1000-4000, running 4000-8000, timer 8000-11000', 'a<1': 'window 1000-4000', 'a>1': 'queued 4000-8000, timer 8000-11000' },
    ],
  ])('%s', (_, stages, want) => {
    const t = timing(executionOf(stages, { ...whole, status: 'RUNNING' }), 11_000)
    expect(Object.fromEntries([...t.stages].map(([id, s]) => [id, written(s.segments)]))).toEqual(want)
  })

  test('a stage that started another execution does what that does', () => {
    const child = executionOf([at('j', 3_000, undefined, { type: 'manualJudgment' })], { id: 'child', startTime: 2_000, status: 'RUNNING' })
    const x = executionOf([at('p', 2_000, undefined, { type: 'pipeline', context: { executionId: 'child' } })], { startTime: 2_000, status: 'RUNNING' })
    expect(written(timing(x, 9_000, new Map([['child', child]])).stages.get('p')!.segments)).toBe('running 2000-3000, person 3000-9000')
  })

  test('the critical path goes back from what ended last', () => {
    const x = executionOf(
      [at('a', 1_000, 3_000), at('fast', 3_000, 4_000, { requisiteStageRefIds: ['a'] }), at('slow', 3_000, 9_000, { requisiteStageRefIds: ['a'] }), at('end', 9_000, 11_000, { requisiteStageRefIds: ['fast', 'slow'] })],
      whole,
    )
    expect([...timing(x, 0).stages.values()].filter((s) => s.critical).map((s) => s.stage.id)).toEqual(['a', 'slow', 'end'])
  })

  test('a restart begins anew, from the oldest stage that was kept', () => {
    const x = executionOf([at('a', 5_000, 6_000), at('b', 8_000, 9_000, { requisiteStageRefIds: ['a'], context: { restartDetails: {} } })], { buildTime: 1_000, startTime: 8_000, endTime: 9_000 })
    const t = timing(x, 0)
    expect([t.from, t.to, t.restarted, summary(t)]).toEqual([5_000, 9_000, true, undefined])
  })

  test('what was not begun when the execution ended has no time', () => {
    const x = executionOf([at('a', 1_000, 11_000, { status: 'TERMINAL' }), at('b', undefined, undefined)], { ...whole, status: 'TERMINAL' })
    expect(timing(x, 99_000).stages.get('b')!.segments).toEqual([])
  })
})

test.each<[string, Segment[], string]>([
  ['nothing inside', [], 'timer 0-10'],
  ['the busiest wins', [{ kind: 'person', from: 0, to: 10 }, { kind: 'running', from: 4, to: 6 }], 'person 0-4, running 4-6, person 6-10'],
  ['what sticks out is cut', [{ kind: 'person', from: -5, to: 5 }, { kind: 'person', from: 5, to: 50 }], 'person 0-10'],
])('paint: %s', (_, inner, want) => {
  expect(written(paint([{ kind: 'running', from: 0, to: 10 }], inner, 'timer'))).toBe(want)
})

describe('summary', () => {
  test.each<[string, Stage[], object, string | undefined]>([
    ['approval', [at('a', 1_000, 3_800), at('j', 3_800, 11_000, { type: 'manualJudgment', requisiteStageRefIds: ['a'] })], {}, '72 % of the time was waiting for approval.'],
    ['the longest stage', [at('a', 1_000, 9_000), at('b', 9_000, 11_000, { requisiteStageRefIds: ['a'] })], {}, 'a took 80 % of the time, 8.0 s.'],
    ['a queue before it', [at('a', 6_000, 11_000)], { startTime: 6_000 }, '50 % of the time was waiting to begin.'],
    ['a pause', [at('a', 1_000, 11_000)], { paused: { paused: false, pausedMs: 5_000, pauseTime: 2_000, resumeTime: 7_000 } }, '50 % of the time was paused.'],
    ['side by side with work it is no waiting', [at('a', 1_000, 11_000), at('j', 1_000, 11_000, { type: 'manualJudgment' })], {}, 'a took 100 % of the time, 10 s.'],
    ['one stage says nothing', [at('a', 1_000, 11_000)], {}, undefined],
    ['too short to matter', [at('a', 1_000, 1_500)], { endTime: 1_500 }, undefined],
  ])('%s', (_, stages, more, want) => {
    expect(summary(timing(executionOf(stages, { ...whole, ...more }), 0))).toBe(want)
  })
})

test.each([
  [0, [0]],
  [400, [0, 100, 200, 300]],
  [10_000, [0, 2_000, 4_000, 6_000, 8_000]],
  [185_000, [0, 60_000, 120_000]],
  [3 * 86_400_000, [0, 86_400_000, 172_800_000]],
])('ticks of %d', (total, want) => {
  expect(ticks(total).filter((t) => total > 0 || t === 0)).toEqual(total === 0 ? [0] : want)
})

test('an axis of any length has few ticks', () => {
  for (const total of [1, 77, 5_001, 61_000, 1e8, 1e9, 1e12]) expect(ticks(total).length).toBeLessThanOrEqual(6)
})

test.each([
  [0, '0'],
  [200, '200 ms'],
  [90_000, '90 s'],
  [600_000, '10 min'],
  [7_200_000, '2 h'],
  [172_800_000, '2 d'],
])('the tick at %d is %s', (ms, want) => {
  expect(tickName(ms)).toBe(want)
})
