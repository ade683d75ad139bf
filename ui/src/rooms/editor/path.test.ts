import { expect, test } from 'vitest'
import { isWithin, parsePath, writePath } from './path'

test.each([
  ['', []],
  ['name', ['name']],
  ['stages[0].clusters[1].account', ['stages', 0, 'clusters', 1, 'account']],
  ['a["b.c"].d', ['a', 'b.c', 'd']],
] as const)('%s', (text, path) => {
  expect(parsePath(text)).toEqual(path)
  expect(writePath(path)).toBe(text)
})

test('a place is within itself and what is above it', () => {
  expect(isWithin(['stages', 0, 'name'], ['stages', 0])).toBe(true)
  expect(isWithin(['stages', 0], ['stages', 0, 'name'])).toBe(false)
  expect(isWithin(['stages', 1], ['stages', 0])).toBe(false)
})
