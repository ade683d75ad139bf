import { expect, test } from 'vitest'
import { changes, guardsOf, inOrder, merged, parse, providersOf, savesOf } from './attributes'

test.each([
  ['nothing', { email: 'a' }, { email: 'a' }, {}],
  ['a value', { email: 'a' }, { email: 'b' }, { email: 'b' }],
  ['a new one', {}, { email: 'b' }, { email: 'b' }],
  ['one that is gone', { email: 'a', owner: 'x' }, { email: 'a' }, { owner: null }],
  ['not the order of keys', { a: { x: 1, y: [{ p: 1, q: 2 }] } }, { a: { y: [{ q: 2, p: 1 }], x: 1 } }, {}],
  ['the order of a list', { a: [1, 2] }, { a: [2, 1] }, { a: [2, 1] }],
  ['not what the server writes', { name: 'A', updateTs: '1' }, { name: 'a', updateTs: '2', lastModifiedBy: 'x' }, {}],
])('changes: %s', (_, before, after, want) => {
  expect(changes(before, after)).toEqual(want)
})

test('changes lead from one to the other, and leave alone what others changed', () => {
  const before = { email: 'a', owner: 'x', repoSlug: 'r' }
  const c = changes(before, { email: 'b', repoSlug: 'r' })
  expect(merged(before, c)).toEqual({ email: 'b', repoSlug: 'r' })
  expect(merged({ ...before, repoSlug: 'theirs' }, c)).toEqual({ email: 'b', repoSlug: 'theirs' })
})

test('inOrder does not depend on the order, and leaves out what the server writes', () => {
  expect(inOrder({ b: 1, a: { d: 1, c: 2 }, updateTs: '1' })).toBe(inOrder({ a: { c: 2, d: 1 }, b: 1, name: 'x' }))
})

test.each([
  ['{"email": "a"}', { attributes: { email: 'a' } }],
  ['[]', { wrong: expect.stringMatching(/object/) }],
  ['null', { wrong: expect.stringMatching(/object/) }],
  ['{"email": }', { wrong: expect.any(String) }],
])('parse(%o)', (text, want) => {
  expect(parse(text)).toEqual(want)
})

test.each([
  [{}, []],
  [{ cloudProviders: 'local, kubernetes' }, ['local', 'kubernetes']],
  [{ cloudProviders: ['local'] }, ['local']],
])('providersOf %o', (a, want) => {
  expect(providersOf(a)).toEqual(want)
})

test.each([
  [{}, []],
  [{ trafficGuards: [{ account: 'local', location: '*', stack: 'prod', detail: '' }] }, [{ account: 'local', location: '*', stack: 'prod', detail: '' }]],
  [{ trafficGuards: [{ account: 'local', enabled: false }] }, [{ account: 'local', location: '', stack: '', detail: '', enabled: false }]],
  [{ trafficGuards: 'all' }, undefined],
])('guardsOf %o', (a, want) => {
  expect(guardsOf(a)).toEqual(want)
})

test('savesOf names what each save changed', () => {
  const saves = savesOf([{ email: 'b', owner: 'x', updateTs: '2000', lastModifiedBy: 'ann' }, { email: 'a', updateTs: '1000' }])
  expect(saves.map((s) => [s.at, s.by, s.changed])).toEqual([
    [2000, 'ann', ['email', 'owner']],
    [1000, 'somebody', ['email']],
  ])
})
