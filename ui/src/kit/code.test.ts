import { expect, test } from 'vitest'
import { diffLines } from './code'

const short = (a: string, b: string) =>
  diffLines(a, b)
    .map((l) => ({ same: ' ', add: '+', del: '-' })[l.kind] + l.text)
    .join('|')

test.each([
  ['a', 'a', ' a'],
  ['', '', ' '],
  ['a\nb\nc', 'a\nc', ' a|-b| c'],
  ['a\nc', 'a\nb\nc', ' a|+b| c'],
  ['a\nb\nc', 'a\nx\nc', ' a|-b|+x| c'],
  ['a\nb', 'b\na', '-a| b|+a'],
  ['x\na\nb\ny', 'x\nb\na\ny', ' x|-a| b|+a| y'],
])('%j becomes %j by %s', (a, b, want) => expect(short(a, b)).toBe(want))

test('a difference leads from one text to the other', () => {
  let seed = 7
  const random = () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
  const text = () => Array.from({ length: Math.floor(random() * 12) }, () => 'abcd'[Math.floor(random() * 4)]).join('\n')
  for (let i = 0; i < 300; i++) {
    const [a, b] = [text(), text()]
    const lines = diffLines(a, b)
    const side = (not: string) => lines.filter((l) => l.kind !== not).map((l) => l.text).join('\n')
    expect([side('add'), side('del')]).toEqual([a, b])
  }
})

test('texts that are too long to compare are replaced', () => {
  const long = (c: string) => Array.from({ length: 5_000 }, (_, i) => c + i).join('\n')
  const lines = diffLines(long('a'), long('b'))
  expect(lines.length).toBe(10_000)
  expect(lines[0]?.kind).toBe('del')
})
