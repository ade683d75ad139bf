import { describe, expect, test } from 'vitest'
import { asked, beginWith, compare, fieldOf, lastUsed, missing, readParameters, submitted } from './parameters'

const config = [
  { name: 'version', required: true, description: 'What to deploy' },
  { name: 'size', label: 'Size', hasOptions: true, options: [{ value: 'small' }, { value: 'large' }], default: 'small', required: true },
  { name: 'notify', default: 'true' },
  { name: 'until', constraint: 'date' },
  { name: 'reason', conditional: { parameter: 'size', comparator: '=', comparatorValue: 'large' }, required: true },
  { name: 'approver', condition: { parameter: 'reason', comparator: '!=', comparatorValue: '' } },
  { label: 'no name' },
]
const parameters = readParameters(config)

test('kinds follow from options, constraint and default', () => {
  expect(parameters.map((p) => [p.name, p.label, p.kind])).toEqual([
    ['version', 'version', 'text'],
    ['size', 'Size', 'choice'],
    ['notify', 'notify', 'flag'],
    ['until', 'until', 'date'],
    ['reason', 'reason', 'text'],
    ['approver', 'approver', 'text'],
  ])
})

describe('asked', () => {
  test.each([
    ['nothing', {}, ['version', 'size', 'notify', 'until']],
    ['the condition holds', { size: 'large' }, ['version', 'size', 'notify', 'until', 'reason']],
    ['one condition behind another', { size: 'large', reason: 'r' }, ['version', 'size', 'notify', 'until', 'reason', 'approver']],
    ['a value of what is not asked does not count', { size: 'small', reason: 'r' }, ['version', 'size', 'notify', 'until']],
  ])('%s', (_, values, want) => {
    expect(asked(parameters, values).map((p) => p.name)).toEqual(want)
  })

  test('conditions on each other hold for neither', () => {
    const circle = readParameters([
      { name: 'a', conditional: { parameter: 'b', comparatorValue: '' } },
      { name: 'b', conditional: { parameter: 'a', comparatorValue: '' } },
    ])
    expect(asked(circle, {})).toEqual([])
  })
})

test.each([
  ['10', '>', '9', true],
  ['b', '>', 'a', true],
  ['1', '>=', '1.0', true],
  ['1', '<', '2', true],
  ['2', '<=', '1', false],
  ['a', '!=', 'b', true],
  ['a', '==', 'a', true],
  ['', '=', '0', false],
])('compare %j %s %j', (a, comparator, b, want) => {
  expect(compare(a, comparator, b)).toBe(want)
})

test('it begins with the defaults, or with what a run had', () => {
  expect(beginWith(parameters)).toMatchObject({ version: '', size: 'small', notify: 'true' })
  expect(beginWith(parameters, { version: 'v4', size: 'large', percent: 50 })).toMatchObject({ version: 'v4', size: 'large', notify: 'true' })
  expect(beginWith(readParameters([{ name: 'n', required: true, hasOptions: true, options: [{ value: 1 }, { value: 2 }] }]))).toEqual({ n: '1' })
})

test('what is missing is told at its parameter', () => {
  expect(missing(asked(parameters, { size: 'large' }), { size: 'large', version: ' ' })).toEqual({ version: 'Is required.', reason: 'Is required.' })
  expect(missing(parameters.slice(1, 2), { size: 'huge' })).toEqual({ size: 'Is none of the 2 choices any more.' })
})

test('what is not asked is not sent; what a repeated run had besides is', () => {
  expect(submitted(parameters, { version: 'v4', size: 'small', notify: 'false', until: '', reason: 'left over' }, { percent: 50, version: 'old' })).toEqual({ percent: 50, version: 'v4', size: 'small', notify: 'false', until: '' })
})

test('values of other runs, each once', () => {
  const runs = ['v4', 'v3', 'v4', '', 'v2', 'v1'].map((version) => ({ trigger: { parameters: { version } } }))
  expect(lastUsed('version', [...runs, { trigger: {} }], 3)).toEqual(['v4', 'v3', 'v2'])
})

test.each([
  ['Unable to trigger pipeline. Error: Required parameter version is missing', 'version'],
  ['The parameter "size" is too large', 'size'],
  ['Required parameter other is missing', undefined],
  ['It is disabled', undefined],
])('field of %j', (message, want) => {
  expect(fieldOf(message, parameters)).toBe(want)
})
