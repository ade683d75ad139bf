import { expect, test } from 'vitest'
import { bar } from './bar'
import { executionOf, stageOf } from './make'

test('parts are as wide as their stages took', () => {
  const x = executionOf([stageOf('a', { startTime: 0 + 1, endTime: 301 }), stageOf('b', { startTime: 301, status: 'RUNNING', requisiteStageRefIds: ['a'] }), stageOf('c', { status: 'NOT_STARTED', requisiteStageRefIds: ['b'] })])
  expect(bar(x, 401).map((p) => [p.stage.id, p.took, Math.round(p.weight * 100)])).toEqual([
    ['a', 300, 75],
    ['b', 100, 25],
    ['c', undefined, 6],
  ])
  expect(bar(x, 601).map((p) => Math.round(p.weight * 100))).toEqual([50, 50, 6])
})

test('before anything began all are equal; a judgment that runs waits', () => {
  expect(bar(executionOf([stageOf('a', { status: 'NOT_STARTED' }), stageOf('b', { status: 'NOT_STARTED' })]), 5).map((p) => p.weight)).toEqual([1, 1])
  expect(bar(executionOf([stageOf('j', { type: 'manualJudgment', status: 'RUNNING', startTime: 1 })]), 5)[0]!.status).toBe('WAITING')
})

test('neighbours of the same status are one part where there are many', () => {
  const many = Array.from({ length: 500 }, (_, i) => stageOf(`s${i}`, { status: i === 250 ? 'TERMINAL' : 'SUCCEEDED', startTime: i + 1, endTime: i + 2 }))
  expect(bar(executionOf(many), 1_000).map((p) => [p.status, p.count])).toEqual([
    ['SUCCEEDED', 250],
    ['TERMINAL', 1],
    ['SUCCEEDED', 249],
  ])
})
