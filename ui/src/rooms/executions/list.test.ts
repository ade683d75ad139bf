import { describe, expect, test } from 'vitest'
import type { Execution } from '~/api/queries'
import { active, after, contains, dayOf, early, lines, merge, mergeRuns, reliability, type Filter, type Pages, type PipelineRow } from './list'
import { executionOf, stageOf } from './make'

const x = (id: string, more: Partial<Execution> = {}) => executionOf([], { id, pipelineConfigId: 'p', ...more })
const pages = (...items: Execution[][]): Pages => ({ pages: items.map((list, i) => ({ items: list, next: i < items.length - 1 ? 'more' : undefined })), pageParams: items.map(String) })
const ids = (p: Pages) => p.pages.map((page) => page.items.map((i) => `${i.id}:${i.status}`))

describe('merge', () => {
  const two = pages([x('5'), x('4')], [x('2')])
  test.each<[string, Filter, Execution[], string[], string[][]]>([
    ['one that changed is replaced', {}, [x('4', { status: 'TERMINAL' })], [], [['5:SUCCEEDED', '4:TERMINAL'], ['2:SUCCEEDED']]],
    ['a new one comes on top', {}, [x('6', { status: 'RUNNING' })], [], [['6:RUNNING', '5:SUCCEEDED', '4:SUCCEEDED'], ['2:SUCCEEDED']]],
    ['several new ones are in order', {}, [x('6'), x('7')], [], [['7:SUCCEEDED', '6:SUCCEEDED', '5:SUCCEEDED', '4:SUCCEEDED'], ['2:SUCCEEDED']]],
    ['one that no longer belongs there goes', { status: 'succeeded' }, [x('5', { status: 'RUNNING' })], [], [['4:SUCCEEDED'], ['2:SUCCEEDED']]],
    ['one of another pipeline does not come', { pipeline: 'p' }, [x('6', { pipelineConfigId: 'q' })], [], [['5:SUCCEEDED', '4:SUCCEEDED'], ['2:SUCCEEDED']]],
    ['one that is gone goes', {}, [], ['2'], [['5:SUCCEEDED', '4:SUCCEEDED'], []]],
  ])('%s', (_, filter, changed, gone, want) => {
    expect(ids(merge(two, filter, changed, new Set(gone)))).toEqual(want)
  })

  test('what is older than all that was read waits for its page', () => {
    const open: Pages = { pages: [{ items: [x('5')], next: 'more' }], pageParams: [''] }
    expect(ids(merge(open, {}, [x('1')], new Set()))).toEqual([['5:SUCCEEDED']])
  })

  test('pages that nothing changed are the same', () => {
    expect(merge(two, {}, [], new Set())).toBe(two)
    expect(merge(two, {}, [x('4', { status: 'TERMINAL' })], new Set()).pages[1]).toBe(two.pages[1])
  })
})

describe('after', () => {
  const running = executionOf([stageOf('a', { status: 'RUNNING', startTime: 10 })], { id: 'x', status: 'RUNNING', startTime: 5 })
  const of = (stage: string | undefined, status: string, at: number) => ({ execution: 'x', stage, status, at })
  test.each<[string, Parameters<typeof after>[1], Partial<Execution> | undefined]>([
    ['a stage ends', [of('a', 'SUCCEEDED', 20)], { stages: [stageOf('a', { startTime: 10, endTime: 20 })] }],
    ['a stage is begun anew', [of('a', 'TERMINAL', 20), of('a', 'NOT_STARTED', 30)], { stages: [stageOf('a', { status: 'NOT_STARTED' })] }],
    ['the execution ends', [of(undefined, 'CANCELED', 20)], { status: 'CANCELED', endTime: 20 }],
    ['older than what is known', [of('a', 'NOT_STARTED', 9), of(undefined, 'BUFFERED', 4)], {}],
    ['what is so already', [of('a', 'RUNNING', 20)], {}],
    ['a stage that is not known', [of('a', 'SUCCEEDED', 20), of('b', 'RUNNING', 20)], undefined],
  ])('%s', (_, changes, want) => {
    expect(after(running, changes)).toEqual(want && { ...running, ...want })
  })

  test('nothing new is the same', () => expect(after(running, [of('a', 'RUNNING', 20)])).toBe(running))
})

describe('before it is read', () => {
  const a = stageOf('a', { status: 'RUNNING', startTime: 10 })
  const judgment = stageOf('j', { type: 'manualJudgment', status: 'NOT_STARTED' })
  const running = executionOf([a, judgment], { id: 'x', status: 'RUNNING', startTime: 5 })
  const of = (stage: string | undefined, status: string, at = 20) => ({ execution: 'x', stage, status, at })
  test.each<[string, Parameters<typeof early>[1], Partial<Execution>]>([
    ['the end of a stage is shown', [of('a', 'SUCCEEDED')], { stages: [{ ...a, status: 'SUCCEEDED', endTime: 20 }, judgment] }],
    ['the end of the execution is shown', [of(undefined, 'SUCCEEDED')], { status: 'SUCCEEDED', endTime: 20 }],
    ['a pause is shown', [of(undefined, 'PAUSED')], { status: 'PAUSED' }],
    ['a stage that is not known hides no other', [of('b', 'RUNNING'), of('a', 'SUCCEEDED')], { stages: [{ ...a, status: 'SUCCEEDED', endTime: 20 }, judgment] }],
    ['a failure waits for its cause', [of('a', 'TERMINAL'), of(undefined, 'TERMINAL')], {}],
    ['who canceled is waited for', [of('a', 'CANCELED'), of(undefined, 'CANCELED')], {}],
    ['a judgment waits for what it asks', [of('j', 'RUNNING')], {}],
  ])('%s', (_, changes, want) => expect(early(running, changes)).toEqual({ ...running, ...want }))

  test('nothing new is the same', () => expect(early(running, [of('a', 'RUNNING'), of('b', 'RUNNING')])).toBe(running))
})

const row = (runs: [string, string][]): PipelineRow => ({ id: 'p', name: 'Deploy', application: 'demo', disabled: false, template: false, parameterConfig: [], stageCount: 1, triggers: [], runs: runs.map(([id, status]) => ({ id, name: 'Deploy', status, buildTime: 1 })) })

test('runs of a pipeline take up what changed', () => {
  const rows = [row([['1', 'SUCCEEDED'], ['2', 'RUNNING']])]
  expect(mergeRuns(rows, [x('2', { status: 'TERMINAL' }), x('3', { status: 'RUNNING' })], new Set(['1']))[0]!.runs.map((r) => `${r.id}:${r.status}`)).toEqual(['2:TERMINAL', '3:RUNNING'])
  expect(mergeRuns(rows, [x('9', { pipelineConfigId: 'q' })], new Set())[0]).toBe(rows[0])
})

test('what runs is counted as far as it is known', () => {
  expect(active([row([['1', 'RUNNING'], ['2', 'SUCCEEDED']]), row([['3', 'PAUSED']])])).toEqual({ count: 2, text: '2' })
  expect(active([row(Array.from({ length: 30 }, (_, i) => [`${i}`, 'RUNNING']))]).text).toBe('30+')
})

test.each<[[string, string][], number | undefined]>([
  [[], undefined],
  [[['1', 'RUNNING']], undefined],
  [[['1', 'SUCCEEDED'], ['2', 'TERMINAL'], ['3', 'RUNNING']], 0.5],
])('reliability %#', (runs, want) => {
  expect(reliability(row(runs))).toBe(want)
})

test.each([
  ['', true],
  ['deploy', true],
  ['alice v4', true],
  ['V4', true],
  ['bob', false],
  ['alice bob', false],
])('contains %j', (text, want) => {
  expect(contains(x('1', { trigger: { user: 'alice', parameters: { artifact: '/srv/v4' } } }), text)).toBe(want)
})

describe('lines', () => {
  const day = 24 * 3_600_000
  const now = new Date(2026, 5, 15, 12).getTime()
  const list = [x('4', { name: 'A', buildTime: now }), x('3', { name: 'B', buildTime: now - day }), x('2', { name: 'A', buildTime: now - day }), x('1', { name: 'A', buildTime: now - 3 * day })]
  test.each([
    ['none', ['4', '3', '2', '1']],
    ['pipeline', ['A (3)', '4', '2', '1', 'B (1)', '3']],
    ['day', ['Today (1)', '4', 'Yesterday (2)', '3', '2', 'Friday 12 June 2026 (1)', '1']],
  ] as const)('by %s', (by, want) => {
    expect(lines(list, by, now).map((l) => (l.kind === 'heading' ? `${l.text} (${l.count})` : l.key))).toEqual(want)
  })

  test('yesterday is the day before, not a day of hours', () => {
    expect(dayOf(new Date(2026, 5, 14, 0, 5).getTime(), new Date(2026, 5, 15, 23, 55).getTime())).toBe('Yesterday')
  })
})
