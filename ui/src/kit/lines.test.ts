import { describe, expect, it, test } from 'vitest'
import { all, append, matching, most, nothing, plain } from './lines'

describe('append', () => {
  it('makes lines of parts, wherever they are cut', () => {
    const text = 'one\ntwo\r\nthree\nfo'
    const whole = append(nothing, text)
    expect(whole).toEqual({ lines: ['one', 'two', 'three'], dropped: 0, rest: 'fo' })
    expect([...text].reduce(append, nothing)).toEqual(whole)
  })
  it('is bounded', () => {
    let log = nothing
    for (let i = 0; i < 12; i++) log = append(log, 'x\n'.repeat(1_000))
    expect(log.lines).toHaveLength(most)
    expect(log.dropped).toBe(12_000 - most)
    expect(append(nothing, 'y\n'.repeat(most + 3))).toMatchObject({ dropped: 3 })
    expect(append(nothing, 'z'.repeat(1_000_000)).rest.length).toBeLessThan(20_000)
  })
})

const cases: [string, string][] = [
  ['\u001b[31mred\u001b[0m', 'red'],
  ['\u001b]0;title\u0007text', 'text'],
  ['10 %\r50 %\r100 %', '100 %'],
  ['plain', 'plain'],
]
for (const [line, want] of cases) it(`shows ${JSON.stringify(line)}`, () => expect(plain(line)).toBe(want))

it('finds', () => {
  expect(matching(['An error', 'fine', 'ERROR'], 'error')).toEqual([0, 2])
  expect(matching(['a'], '')).toEqual([])
})

test('a last line without an end is a line', () => {
  expect(all(append(nothing, 'one\ntwo'))).toEqual(['one', 'two'])
  expect(all(append(nothing, 'one\n'))).toEqual(['one'])
})
