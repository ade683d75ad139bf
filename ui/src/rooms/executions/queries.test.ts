import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ServerEvent } from '~/api/events'
import { execution, type Execution } from '~/api/queries'
import type { Pages } from './list'
import { executionOf, stageOf } from './make'
import { Live, Refresher, runs } from './queries'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('what changes is collected, and read one batch at a time', async () => {
  const read: string[][] = []
  const ends: ((again: boolean) => void)[] = []
  const refresher = new Refresher((ids) => {
    read.push(ids)
    return new Promise((done) => ends.push(done))
  })
  for (const id of ['a', 'b', 'a']) refresher.add(id, 15)
  await vi.advanceTimersByTimeAsync(100)
  expect(read).toEqual([['a', 'b']])
  // While it is being read it changes again, many times.
  for (let i = 0; i < 50; i++) refresher.add('a', 15)
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
  for (let i = 0; i < 150; i++) refresher.add(`x${i}`, 15)
  await vi.advanceTimersByTimeAsync(500)
  expect(read).toEqual([100, 50])
  refresher.add('y', 15)
  refresher.close()
  await vi.advanceTimersByTimeAsync(500)
  expect(read).toEqual([100, 50])
})

/** world is a list with an execution of two stages, kept up by what ask answers. */
function world(ask: (ids: string[]) => Promise<Execution[]>) {
  const client = new QueryClient()
  const x = executionOf([stageOf('a', { status: 'RUNNING', startTime: 10 }), stageOf('b', { status: 'NOT_STARTED' })], { id: 'x', status: 'RUNNING' })
  const key = runs('demo', {}).queryKey
  client.setQueryData(key, { pages: [{ items: [x] }], pageParams: [''] } as Pages)
  const asked: string[][] = []
  const live = new Live(client, 'demo', (ids) => {
    asked.push(ids)
    return ask(ids)
  })
  const tell = (e: Partial<ServerEvent>) => live.take({ id: 1, type: 'execution', application: 'demo', execution: 'x', ...e })
  const stages = () => client.getQueryData<Pages>(key)!.pages[0]!.items.map((x) => x.stages.map((s) => s.status).join(' ')).join(', ')
  return { x, asked, live, tell, stages }
}

test('what an event tells is shown before it is read', async () => {
  const { x, asked, live, tell, stages } = world(async () => [executionOf([stageOf('a'), stageOf('b', { status: 'TERMINAL' })], { id: 'x' })])
  tell({ stage: 'a', status: 'SUCCEEDED', at: 20 })
  tell({ stage: 'b', status: 'RUNNING', at: 20, task: 'wait' })
  await vi.advanceTimersByTimeAsync(10)
  expect(stages()).toBe('SUCCEEDED RUNNING')
  expect(x.stages[0]!.status).toBe('RUNNING') // it was not changed itself
  await vi.advanceTimersByTimeAsync(300)
  expect(asked).toEqual([])
  await vi.advanceTimersByTimeAsync(300)
  expect(asked).toEqual([['x']])
  expect(stages()).toBe('SUCCEEDED TERMINAL')
  // Of a task alone a list shows nothing that would have to be read.
  tell({ stage: 'b', status: 'RUNNING', at: 30, task: 'wait' })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(asked).toHaveLength(1)
  live.close()
})

test.each<[string, Partial<ServerEvent>]>([
  ['a stage that is not known', { stage: 'c', status: 'RUNNING', at: 20 }],
  ['an execution that is not known', { execution: 'y', status: 'RUNNING', at: 20 }],
  ['one that was deleted', {}],
])('%s is asked for at once', async (_, event) => {
  const { asked, live, tell } = world(async () => [])
  tell({ at: 20, ...event })
  await vi.advanceTimersByTimeAsync(50)
  expect(asked).toEqual([[event.execution ?? 'x']])
  live.close()
})

test('an answer that is older than what was told meanwhile does not undo it', async () => {
  let answer: (list: Execution[]) => void = () => {}
  const { x, live, tell, stages } = world(() => new Promise((done) => (answer = done)))
  tell({ status: 'RUNNING', stage: 'new', at: 20 })
  await vi.advanceTimersByTimeAsync(50)
  tell({ stage: 'a', status: 'SUCCEEDED', at: 21 })
  await vi.advanceTimersByTimeAsync(50)
  answer([x])
  await vi.advanceTimersByTimeAsync(0)
  expect(stages()).toBe('SUCCEEDED NOT_STARTED')
  live.close()
})

test('an execution that is shown whole shows at once what an event tells, whatever an older answer says', async () => {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } })
  const x = executionOf([stageOf('a', { status: 'RUNNING', startTime: 10, context: { kept: true } })], { id: 'x', status: 'RUNNING' })
  const answers: ((x: Execution) => void)[] = []
  const { queryKey } = execution('x')
  const page = new QueryObserver(client, { queryKey, queryFn: () => new Promise<Execution>((done) => answers.push(done)) })
  const live = new Live(client, 'demo', async () => [])
  const tell = async (e: Partial<ServerEvent>) => {
    live.take({ id: 1, type: 'execution', application: 'demo', execution: 'x', ...e })
    await vi.advanceTimersByTimeAsync(10)
  }
  const stage = () => client.getQueryData<Execution>(queryKey)?.stages[0]
  // Nothing is known yet, and the answer is on its way.
  const leave = page.subscribe(() => {})
  await tell({ stage: 'a', status: 'SUCCEEDED', at: 20 })
  expect(stage()).toBeUndefined()
  answers[0]!(x)
  await vi.advanceTimersByTimeAsync(0)
  expect(stage()).toMatchObject({ status: 'SUCCEEDED', startTime: 10, endTime: 20, context: { kept: true } })
  // It is being read anew.
  void client.invalidateQueries({ queryKey })
  await tell({ stage: 'a', status: 'NOT_STARTED', at: 30 })
  expect(stage()?.status).toBe('NOT_STARTED')
  answers[1]!(x)
  await vi.advanceTimersByTimeAsync(0)
  expect(stage()?.status).toBe('NOT_STARTED')
  // One that no page shows stays to be read.
  leave()
  void client.invalidateQueries({ queryKey })
  await tell({ stage: 'a', status: 'RUNNING', at: 40 })
  expect(stage()?.status).toBe('NOT_STARTED')
  expect(client.getQueryState(queryKey)?.isInvalidated).toBe(true)
  live.close()
})
