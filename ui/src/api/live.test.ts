import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { QueryClient, QueryObserver } from '@tanstack/react-query'
import type { Feed, ServerEvent } from './events'
import { Dirt, dirtied, keepLive } from './live'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const event = (e: Partial<ServerEvent>): ServerEvent => ({ id: 1, type: 'execution', ...e })

test.each([
  ['a stage', event({ application: 'Web', execution: 'X', stage: 'S' }), [['execution', 'X'], ['application', 'web', 'executions']]],
  ['a task, which lists do not show', event({ application: 'web', execution: 'X', stage: 'S', task: 'T' }), [['execution', 'X']]],
  ['an execution', event({ application: 'web', execution: 'X' }), [['execution', 'X'], ['application', 'web', 'executions'], ['applications']]],
  ['a server group', event({ type: 'serverGroup', application: 'web' }), [['application', 'web', 'fleet'], ['applications']]],
  ['a document of no application', event({ type: 'document' }), [['applications']]],
  ['an account', event({ type: 'account', account: 'prod' }), [['accounts'], ['application'], ['applications']]],
  ['what is not known any more', event({ type: 'reset' }), [[]]],
  ['figures', event({ type: 'traffic', application: 'web' }), []],
])('%s dirties what shows it', (_, e, want) => expect(dirtied(e)).toEqual(want))

test('changes are collected, and one refresh of a key runs at a time', async () => {
  const ends: (() => void)[] = []
  const refresh = vi.fn(() => new Promise<void>((end) => ends.push(end)))
  const dirt = new Dirt(refresh)
  for (let i = 0; i < 100; i++) dirt.add(['execution', 'X'])
  await vi.advanceTimersByTimeAsync(40)
  expect(refresh).toHaveBeenCalledTimes(1)
  dirt.add(['execution', 'X'])
  dirt.add(['execution', 'Y'])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(refresh.mock.calls).toEqual([[['execution', 'X']], [['execution', 'Y']]])
  ends[0]!()
  await vi.advanceTimersByTimeAsync(40)
  expect(refresh).toHaveBeenCalledTimes(3)
})

test('a refresh that fails does not end it', async () => {
  const refresh = vi.fn(() => Promise.reject(new Error('gone')))
  const dirt = new Dirt(refresh)
  dirt.add(['a'])
  await vi.advanceTimersByTimeAsync(50)
  dirt.add(['a'])
  await vi.advanceTimersByTimeAsync(50)
  expect(refresh).toHaveBeenCalledTimes(2)
})

test('what takes long is refreshed less often', async () => {
  const refresh = vi.fn(() => new Promise((done) => setTimeout(done, 1_000)))
  const dirt = new Dirt(refresh, () => 100, () => Date.now())
  for (let i = 0; i < 80; i++) {
    dirt.add(['fleet'])
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(refresh).toHaveBeenCalledTimes(4)
})

test('dear lists are refreshed apart, and not forgotten', async () => {
  const refresh = vi.fn(() => Promise.resolve())
  const dirt = new Dirt(refresh, () => 1_000, () => Date.now())
  dirt.add(['applications'])
  await vi.advanceTimersByTimeAsync(50)
  for (let i = 0; i < 9; i++) {
    dirt.add(['applications'])
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(refresh).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(200)
  expect(refresh).toHaveBeenCalledTimes(2)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(refresh).toHaveBeenCalledTimes(2)
})

test('an execution is read a few times a second, however many events come, and after the last of them', async () => {
  let tell = (_: ServerEvent) => {}
  const feed = { link: 'live', listen: (f: (e: ServerEvent) => void) => ((tell = f), () => {}), onLink: () => () => {} } as unknown as Feed
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } })
  let told = 0
  const queryFn = vi.fn(() => Promise.resolve(told))
  const leave = [keepLive(feed, client), new QueryObserver(client, { queryKey: ['execution', 'X'], queryFn }).subscribe(() => {})]
  await vi.advanceTimersByTimeAsync(1_000)
  queryFn.mockClear()
  while (told < 100) {
    tell(event({ application: 'web', execution: 'X', stage: 'S', id: told++ }))
    await vi.advanceTimersByTimeAsync(20)
  }
  expect(queryFn.mock.calls.length).toBeGreaterThan(4)
  expect(queryFn.mock.calls.length).toBeLessThanOrEqual(7)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(client.getQueryData(['execution', 'X'])).toBe(100)
  leave.forEach((f) => f())
})

test('who is live at last asks again for what came before, and later for what failed', async () => {
  vi.useRealTimers()
  let link: Feed['link'] = 'connecting'
  let changed = () => {}
  const become = (to: Feed['link']) => {
    link = to
    changed()
  }
  const feed = { get link() { return link }, listen: () => () => {}, onLink: (f: () => void) => ((changed = f), () => {}) } as unknown as Feed
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } })
  let ok = true
  const queryFn = vi.fn(() => (ok ? Promise.resolve(1) : Promise.reject(new Error('away'))))
  const leave = [keepLive(feed, client), new QueryObserver(client, { queryKey: ['a'], queryFn }).subscribe(() => {})]
  await vi.waitFor(() => expect(client.getQueryData(['a'])).toBe(1))
  become('live')
  await vi.waitFor(() => expect(queryFn).toHaveBeenCalledTimes(2))
  await vi.waitFor(() => expect(client.isFetching()).toBe(0))
  become('lost')
  become('live')
  expect(client.isFetching()).toBe(0)
  ok = false
  await client.refetchQueries()
  become('lost')
  ok = true
  become('live')
  await vi.waitFor(() => expect(client.getQueryState(['a'])?.status).toBe('success'))
  expect(queryFn).toHaveBeenCalledTimes(4)
  leave.forEach((f) => f())
})
