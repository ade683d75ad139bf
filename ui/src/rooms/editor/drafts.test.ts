import { expect, test } from 'vitest'
import type { Doc } from './document'
import { draftKey, dropDraft, loadDraft, saveDraft, type Store } from './draft'
import { begin, change, redo, undo } from './past'
import { byStage, count, found, refused, worst } from './problems'
import { parametersOf } from './PlanDialog'
import { compared } from './revisions'
import { baseOf, fresh } from './save'
import { scope } from './scope'
import { editorSearch, historySearch } from './search'
import { clusterName, strategyOf } from './strategies'

function memory(): Store {
  const all = new Map<string, string>()
  return { getItem: (k) => all.get(k) ?? null, setItem: (k, v) => void all.set(k, v), removeItem: (k) => void all.delete(k) }
}

test('a draft is there until it is dropped', () => {
  const store = memory()
  const key = draftKey('Demo', 'p1')
  expect(loadDraft(store, key)).toBeUndefined()
  expect(saveDraft(store, key, { doc: { name: 'x' }, base: '5', at: 1 })).toBe(true)
  expect(loadDraft(store, draftKey('demo', 'p1'))).toEqual({ doc: { name: 'x' }, base: '5', at: 1 })
  expect(loadDraft(store, draftKey('demo', 'new', 'p1'))).toBeUndefined()
  dropDraft(store, key)
  expect(loadDraft(store, key)).toBeUndefined()
})

test('what is no draft, and a browser that keeps nothing, are no failures', () => {
  const store = memory()
  for (const text of ['{', '[]', '{"doc":1,"at":1}', 'null']) {
    store.setItem('k', text)
    expect(loadDraft(store, 'k')).toBeUndefined()
  }
  const full: Store = { ...memory(), setItem: () => { throw new Error('full') } }
  expect(saveDraft(full, 'k', { doc: {}, at: 1 })).toBe(false)
})

test('undo and redo; typing in one field is one step', () => {
  let p = begin({ n: 0 })
  p = change(p, { n: 1 }, 'n', 100)
  p = change(p, { n: 2 }, 'n', 200)
  p = change(p, { n: 2, m: 1 }, 'm', 300)
  p = undo(p)
  expect(p.doc).toEqual({ n: 2 })
  p = undo(p)
  expect(p.doc).toEqual({ n: 0 })
  expect(undo(p)).toBe(p)
  p = redo(redo(p))
  expect(p.doc).toEqual({ n: 2, m: 1 })
  expect(redo(p)).toBe(p)
  expect(change(p, p.doc, 'n', 400)).toBe(p)
})

test('what is wrong is sorted by stage and counted', () => {
  const all = [
    ...found([
      { path: 'stages[1].name', message: 'm', severity: 'warning', rule: 'r', line: 1 },
      { path: 'name', message: 'm', severity: 'info', rule: 'r' },
    ]),
    ...refused([{ path: 'stages[1]', message: 'no' }]),
  ]
  const doc = { stages: [{ refId: 'a' }, { refId: 'b' }] }
  expect([...byStage(all, doc)].map(([k, v]) => [k, v.length])).toEqual([['b', 2]])
  expect(worst(all)).toBe('error')
  expect(worst([])).toBeUndefined()
  expect(count(all)).toBe('1 error, 1 warning, 1 note')
  expect(count([])).toBe('No problems')
})

test('a stage can name what comes before it', () => {
  const doc: Doc = {
    parameterConfig: [{ name: 'tag', label: 'Tag' }, { name: 'two words' }],
    stages: [
      { refId: '1', type: 'manualJudgment', name: "It's good?" },
      { refId: '2', type: 'evaluateVariables', name: 'Vars', requisiteStageRefIds: ['1'], variables: [{ key: 'v' }] },
      { refId: '3', type: 'wait', name: 'After', requisiteStageRefIds: ['2'] },
    ],
  }
  const names = (ref?: string) => scope(doc, ref).map((n) => n.expression)
  expect(names('2')).toContain("${#judgment('It''s good?')}")
  expect(names('2')).not.toContain('${v}')
  expect(names('3')).toContain('${v}')
  expect(names('1')).toContain("${parameters['two words']}")
  expect(names('1').some((n) => n.includes('#stage'))).toBe(false)
})

test('a copy starts by hand only', () => {
  const copy = fresh('demo', { id: '1', name: 'ship', updateTs: '7', triggers: [{ type: 'cron', enabled: true }], stages: [] })
  expect(copy).toEqual({ name: 'ship (copy)', application: 'demo', stages: [], triggers: [{ type: 'cron', enabled: false }] })
  expect(baseOf({ id: '1', updateTs: 7 })).toEqual({ doc: { id: '1' }, updateTs: '7' })
})

test('revisions are compared with the one before', () => {
  expect(compared([3, 2, 1], {})).toEqual({ a: 2, b: 3 })
  expect(compared([3, 2, 1], { b: 2 })).toEqual({ a: 1, b: 2 })
  expect(compared([3, 2, 1], { a: 1, b: 9 })).toEqual({ a: 1, b: 3 })
  expect(compared([1], {})).toEqual({ b: 1 })
})

test('URLs are read with care', () => {
  expect(editorSearch({ stage: 1, part: 'text', format: 'xml', panel: 'no', extra: 1 })).toEqual({ stage: '1', part: 'text' })
  expect(historySearch({ a: '2', b: 'x' })).toEqual({ a: 2 })
})

test('a plan asks for the parameters', () => {
  expect(parametersOf({ parameterConfig: [{ name: 'v', hasOptions: true, options: [{ value: '1' }, '2'], default: '1' }, { label: 'nameless' }] })).toMatchObject([{ name: 'v', options: ['1', '2'], standard: '1' }])
})

test('clusters have names, and strategies', () => {
  expect(clusterName('a', 's', 'd')).toBe('a-s-d')
  expect(clusterName('a', '', 'd')).toBe('a--d')
  expect(clusterName('a', undefined, undefined)).toBe('a')
  expect(strategyOf('none')?.name).toBe('None')
  expect(strategyOf('redblack')?.fields).toContain('rollback')
  expect(strategyOf('${s}')).toBeUndefined()
})
