import { expect, test } from 'vitest'
import { addStage, ancestors, connect, duplicateStage, edited, get, mayRequire, move, nextRef, removeStage, rename, renameRef, same, set, type Doc } from './document'

const doc: Doc = {
  name: 'ship',
  'x.y': { kept: true },
  stages: [
    { refId: '1', type: 'wait', requisiteStageRefIds: [] },
    { refId: '2', type: 'deploy', requisiteStageRefIds: ['1'], own: [1, { a: null }] },
    { refId: '3', type: 'wait', requisiteStageRefIds: ['2'] },
  ],
}

const edges = (d: Doc) => (d.stages as Doc[]).map((s) => `${String(s.refId)}<${(s.requisiteStageRefIds as string[]).join()}`).join(' ')

test('set changes one place and keeps the rest, and the order of keys', () => {
  const next = set(doc, ['stages', 1, 'own', 1, 'a'], 7)
  expect(get(next, ['stages', 1, 'own', 1, 'a'])).toBe(7)
  expect(get(doc, ['stages', 1, 'own', 1, 'a'])).toBe(null)
  expect(Object.keys(next)).toEqual(Object.keys(doc))
  expect((next.stages as Doc[])[0]).toBe((doc.stages as Doc[])[0])
})

test.each([
  ['makes what is missing', ['a', 'b'], 1, { a: { b: 1 } }],
  ['makes lists', ['a', 0, 'b'], 1, { a: [{ b: 1 }] }],
  ['takes away', ['k'], undefined, {}],
  ['takes nothing away that is not there', ['z', 'y'], undefined, { k: 1 }],
] as const)('set %s', (_, path, value, want) => {
  expect(set(path[0] === 'a' ? {} : { k: 1 }, path, value)).toEqual(want)
})

test('a removed stage leaves its place in the order to those before it', () => {
  expect(edges(removeStage(doc, '2'))).toBe('1< 3<1')
  expect(removeStage(doc, 'no')).toBe(doc)
})

test('a new stage has a free refId, and stands behind the chosen one', () => {
  const made = addStage(doc, { type: 'wait' }, '3')
  expect(made.refId).toBe('4')
  expect(edges(made.doc)).toBe('1< 2<1 3<2 4<3')
  expect(nextRef(removeStage(doc, '2'))).toBe('2')
})

test('a copy stands beside its original', () => {
  const made = duplicateStage(doc, '2')
  expect(edges(made.doc)).toBe('1< 2<1 4<1 3<2')
  expect(get(made.doc, ['stages', 2, 'own'])).toEqual([1, { a: null }])
})

test('stages wait for those that do not wait for them', () => {
  expect([...ancestors(doc, '3')].toSorted()).toEqual(['1', '2'])
  expect(mayRequire(doc, '1')).toEqual([])
  expect(mayRequire(doc, '3')).toEqual(['1', '2'])
  expect(edges(connect(doc, '3', '1', true))).toBe('1< 2<1 3<2,1')
  expect(edges(connect(doc, '3', '2', false))).toBe('1< 2<1 3<')
})

test('a circle that somebody wrote is no endless loop', () => {
  const round = connect(doc, '1', '3', true)
  expect(ancestors(round, '1').size).toBe(3)
})

test('a refId changes everywhere; one that is taken does not', () => {
  expect(edges(renameRef(doc, '2', 'deploy'))).toBe('1< deploy<1 3<deploy')
  expect(renameRef(doc, '2', '1')).toBe(doc)
  expect(renameRef(doc, '2', ' ')).toBe(doc)
})

test('a key changes in its place', () => {
  expect(Object.keys(rename({ a: 1, b: 2, c: 3 }, 'b', 'x'))).toEqual(['a', 'x', 'c'])
  const taken = { a: 1, b: 2 }
  expect(rename(taken, 'a', 'b')).toBe(taken)
})

test('entries of lists move', () => {
  expect(move({ l: [1, 2, 3] }, ['l'], 2, 0)).toEqual({ l: [3, 1, 2] })
  expect(move({ l: [1] }, ['l'], 0, 1)).toEqual({ l: [1] })
})

test('what a save writes is no part of what is edited', () => {
  expect(edited({ id: '1', name: 'n', updateTs: '5', index: 2, lastModifiedBy: 'x', lastModified: 1 })).toEqual({ id: '1', name: 'n' })
})

test.each([
  [{ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }, true],
  [{ a: 1 }, { a: 1, b: null }, false],
  [[1, 2], [2, 1], false],
  ['1', 1, false],
  [null, {}, false],
] as const)('%j and %j are the same: %s', (a, b, want) => {
  expect(same(a as never, b as never)).toBe(want)
})
