import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Refresher } from './queries'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('what changes is collected, and read one batch at a time', async () => {
  const read: string[][] = []
  const ends: ((again: boolean) => void)[] = []
  const refresher = new Refresher((ids) => {
    read.push(ids)
    return new Promise((done) => ends.push(done))
  })
  for (const id of ['a', 'b', 'a']) refresher.add(id)
  await vi.advanceTimersByTimeAsync(100)
  expect(read).toEqual([['a', 'b']])
  // While it is being read it changes again, many times.
  for (let i = 0; i < 50; i++) refresher.add('a')
  await vi.advanceTimersByTimeAsync(1_000)
  expect(read).toHaveLength(1)
  ends[0]!(false)
  await vi.advanceTimersByTimeAsync(100)
  expect(read).toEqual([['a', 'b'], ['a']])
  // It was put into a list that was being read: once more.
  ends[1]!(true)
  await vi.advanceTimersByTimeAsync(100)
  expect(read).toEqual([['a', 'b'], ['a'], ['a']])
})

test('a batch is bounded, a failure stops nothing, and closing does', async () => {
  const read: number[] = []
  const refresher = new Refresher((ids) => {
    read.push(ids.length)
    return Promise.reject(new Error('gone'))
  })
  for (let i = 0; i < 150; i++) refresher.add(`x${i}`)
  await vi.advanceTimersByTimeAsync(500)
  expect(read).toEqual([100, 50])
  refresher.add('y')
  refresher.close()
  await vi.advanceTimersByTimeAsync(500)
  expect(read).toEqual([100, 50])
})
