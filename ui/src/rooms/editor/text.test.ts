import { expect, test } from 'vitest'
import type { Doc, Json } from './document'
import { readAll, write } from './forms/YamlInput'
import { parse, Places, print } from './text'

const doc: Doc = { name: 'a: b', unknown: { deep: [1, true, null, 'on', '1e3'] }, stages: [{ refId: '1', type: 'wait', waitTime: '${parameters.t}' }] }

test.each(['json', 'yaml'] as const)('%s keeps everything, in its order', (format) => {
  const got = parse(print(doc, format), format)
  expect(got).toEqual({ doc })
  expect('doc' in got && Object.keys(got.doc)).toEqual(Object.keys(doc))
})

test.each([
  ['json', '{"a": 1,}', 8],
  ['json', '{"a": x}', 6],
  ['json', '', 0],
  ['json', '[]', 0],
  ['yaml', 'a: 1\nb: [', 9],
  ['yaml', 'a: 1\na: 2', 5],
] as const)('%s %j is wrong at %i', (format, text, offset) => {
  const got = parse(text, format)
  expect('error' in got && got.error).toBeTruthy()
  expect('offset' in got && got.offset).toBe(offset)
})

test.each(['json', 'yaml'] as const)('%s: places of values', (format) => {
  const text = print(doc, format)
  const places = new Places(text)
  const slice = (r?: { from: number; to: number }) => r && text.slice(r.from, r.to).replaceAll('"', '')
  expect(slice(places.of(['stages', 0, 'type']))).toBe('wait')
  expect(slice(places.of(['unknown', 'deep', 4]))).toBe('1e3')
  expect(slice(places.of(['unknown']))).toBe('unknown')
  // What is not there is shown at the nearest that is.
  expect(places.of(['stages', 0, 'missing'])?.from).toBe(places.whole(['stages', 0])?.from)
  expect(slice(places.within(['stages', 0, 'waitTime'], 2))).toBe('parameters.t}')
  expect(places.at(text.indexOf('wait') + 1)).toEqual(['stages', 0, 'type'])
})

test('a text that is being written has places', () => {
  const text = '{"stages": [{"type": "wait", "wai'
  expect(new Places(text).of(['stages', 0, 'type'])).toEqual({ from: 21, to: 27 })
})

test('manifests are documents of YAML', () => {
  const all: Json = [{ kind: 'Service' }, { kind: 'Deployment', spec: { replicas: 2 } }]
  expect(readAll(write(all))).toEqual({ value: all })
  expect(readAll('a: [')).toHaveProperty('error')
  expect(readAll('')).toEqual({ value: [] })
})

test('500 stages are read and placed at once', () => {
  const large: Doc = { stages: Array.from({ length: 500 }, (_, i) => ({ refId: `${i}`, type: 'wait', requisiteStageRefIds: i ? [`${i - 1}`] : [], waitTime: i })) }
  const text = print(large, 'json')
  expect(parse(text, 'json')).toEqual({ doc: large })
  expect(text.slice(new Places(text).of(['stages', 499, 'waitTime'])!.from).startsWith('499')).toBe(true)
})
