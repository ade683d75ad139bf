import { expect, test } from 'vitest'
import { bars, heights } from './spark'

test('a bar is as tall as its run was long, and never too small to see', () => {
  const run = (took?: number) => ({ id: 'x', status: 'SUCCEEDED', startTime: 1, endTime: took && 1 + took })
  expect(heights([run(100), run(25), run(), run(1)])).toEqual([100, 60, 20, 28])
  expect(heights([])).toEqual([])
})

test('the bars of a tone are one path, and the newest run is at the right', () => {
  const run = (status: string) => ({ id: status, status, startTime: 1, endTime: 101 })
  const got = bars([run('SUCCEEDED'), run('TERMINAL'), run('SUCCEEDED')])
  expect([...got]).toEqual([
    ['ok', 'M108 1h3V23h-3zM116 1h3V23h-3z'],
    ['bad', 'M112 1h3V23h-3z'],
  ])
})
