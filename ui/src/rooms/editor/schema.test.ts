import { expect, test } from 'vitest'
import { catalogOf, search } from './catalog'
import { fieldsAt } from './complete'
import { fieldOf, fieldsOf, fits, items, label, read, unknown } from './schema'

test.each([
  [{ type: 'string' }, 'text'],
  [{ type: ['integer', 'string'] }, 'number'],
  [{ type: ['boolean', 'string'] }, 'boolean'],
  [{ anyOf: [{ enum: ['a', 'b'] }, { type: 'string', pattern: '\\$\\{' }] }, 'choice'],
  [{ type: ['array', 'string'], items: { type: 'string' } }, 'list'],
  [{ type: ['object', 'string'], additionalProperties: {} }, 'map'],
  [{ type: ['object', 'string'], properties: { a: { type: 'string' } } }, 'object'],
  [{}, 'anything'],
] as const)('%j is a %s', (schema, kind) => {
  expect(fieldOf('k', schema as never).kind).toBe(kind)
})

test('fields come in their order, with what they are for and what holds without them', () => {
  const fields = fieldsOf({ properties: { b: { type: 'string', description: 'of b' }, a: { type: ['integer', 'string'], default: 3 } } })
  expect(fields.map((f) => f.key)).toEqual(['b', 'a'])
  expect(fields[0]!.description).toBe('of b')
  expect(fields[1]!.standard).toBe(3)
})

test.each([
  ['number', '5', 5],
  ['number', '-1.5', -1.5],
  ['number', '${n}', '${n}'],
  ['number', '5x', '5x'],
  ['number', '', undefined],
  ['text', '5', '5'],
] as const)('what is typed for a %s: %s', (kind, typed, want) => {
  expect(read({ key: '', kind, description: '', choices: [], schema: {} }, typed)).toBe(want)
})

test('what does not fit its input is shown as JSON', () => {
  const list = fieldOf('l', { type: ['array', 'string'], items: {} })
  expect(fits(list, [1])).toBe(true)
  expect(fits(list, '${all}')).toBe(true)
  expect(fits(list, { a: 1 })).toBe(false)
  expect(fits(fieldOf('n', { type: ['integer', 'string'] }), [1])).toBe(false)
  expect(items(list).kind).toBe('anything')
})

test('fields that nobody knows are listed', () => {
  expect(unknown({ a: 1, b: 2, c: 3 }, ['a'], ['c'])).toEqual(['b'])
})

test.each([
  ['stageTimeoutMs', 'Stage timeout ms'],
  ['url', 'Url'],
  ['delayBeforeDisableSec', 'Delay before disable sec'],
])('%s is "%s"', (key, want) => expect(label(key)).toBe(want))

const catalog = catalogOf({
  stages: [
    { type: 'wait', aliases: ['pause'], label: 'Wait', description: 'Waits for some seconds.', schema: { properties: { waitTime: { type: ['integer', 'string'] } } }, tasks: [] },
    { type: 'undoRollout', aliases: [], label: 'Undo rollout', schema: {}, tasks: [] },
    { type: 'deploy', aliases: [], label: 'Deploy', schema: { properties: { clusters: { type: ['array', 'string'], items: { properties: { account: { type: 'string' } } } } } }, tasks: [] },
  ],
  common: { properties: { refId: { type: 'string' } } },
})

test('types are found by words, the usual ones first', () => {
  expect(search(catalog.types, '').map((t) => t.type)).toEqual(['deploy', 'wait', 'undoRollout'])
  expect(search(catalog.types, 'second wait').map((t) => t.type)).toEqual(['wait'])
  expect(search(catalog.types, 'undo')[0]!.type).toBe('undoRollout')
  expect(catalog.find('pause')?.type).toBe('wait')
})

test('what can be written at a place of the text', () => {
  const doc = { stages: [{ type: 'deploy', clusters: [{}] }] }
  const keys = (path: (string | number)[]) => fieldsAt(catalog, doc, path).map((f) => f.key)
  expect(keys(['stages', 0])).toEqual(['refId', 'clusters'])
  expect(keys(['stages', 0, 'clusters', 0])).toEqual(['account'])
  expect(keys(['stages', 0, 'nothing'])).toEqual([])
  expect(keys(['triggers', 0])).toEqual([])
})
