import { expect, test } from 'vitest'
import { heights } from './spark'

test('a bar is as tall as its run was long, and never too small to see', () => {
  const run = (took?: number) => ({ id: 'x', status: 'SUCCEEDED', startTime: 1, endTime: took && 1 + took })
  expect(heights([run(100), run(25), run(), run(1)])).toEqual([100, 60, 20, 28])
  expect(heights([])).toEqual([])
})
