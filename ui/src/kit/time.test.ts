import { expect, test } from 'vitest'
import { ago, duration } from './time'

const s = 1_000
const min = 60 * s
const h = 60 * min

test.each([
  [-5, '0 ms'],
  [850, '850 ms'],
  [4_290, '4.2 s'],
  [9_999, '9.9 s'],
  [59_999, '59 s'],
  [3 * min + 5 * s, '3 min 05 s'],
  [2 * h + 10 * min, '2 h 10 min'],
  [76 * h, '3 d 4 h'],
])('%d ms are written %s', (ms, want) => expect(duration(ms)).toBe(want))

test.each([
  [-10 * s, 'now'],
  [4 * s, 'now'],
  [59 * s, '59 s ago'],
  [61 * s, '1 min ago'],
  [25 * h, '1 d ago'],
])('%d ms before is %s', (ms, want) => expect(ago(ms)).toBe(want))
