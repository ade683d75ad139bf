import { expect, test, vi } from 'vitest'
import { backoff, Feed, type ServerEvent } from './events'

/** stream is an answer whose body the test writes. */
function stream() {
  let control: ReadableStreamDefaultController<Uint8Array>
  const body = new ReadableStream<Uint8Array>({ start: (c) => void (control = c) })
  const bytes = new TextEncoder()
  return { response: { ok: true, status: 200, body } as Response, write: (text: string) => control.enqueue(bytes.encode(text)), cut: () => control.error(new Error('cut')) }
}

function following(...answers: (ReturnType<typeof stream> | Error)[]) {
  const asked: (string | null)[] = []
  const got: ServerEvent[] = []
  const feed = new Feed((_, init) => {
    asked.push(new Headers(init.headers).get('Last-Event-ID'))
    const next = answers.shift()
    if (next instanceof Error) return Promise.reject(next)
    return next ? Promise.resolve(next.response) : new Promise(() => {})
  }, false)
  feed.listen((e) => got.push(e))
  feed.start()
  return { feed, asked, got }
}

test('events are told, and after a cut the stream goes on behind the last of them', async () => {
  const first = stream()
  const { feed, asked, got } = following(first, stream())
  first.write('retry: 1000\nid: e-4\n\n')
  await vi.waitFor(() => expect(feed.link).toBe('live'))
  first.write('id: e-5\nevent: execution\ndata: {"id":5,"type":"execu')
  first.write('tion"}\n\n: still here\n\n')
  await vi.waitFor(() => expect(got.map((e) => e.id)).toEqual([5]))
  first.cut()
  await vi.waitFor(() => expect(asked).toEqual([null, 'e-5']))
  feed.close()
})

test('who is cut off before the first event comes back to where the stream began', async () => {
  const first = stream()
  const { feed, asked } = following(first, stream())
  first.write('retry: 1000\nid: e-4\n\n')
  await vi.waitFor(() => expect(feed.link).toBe('live'))
  first.cut()
  await vi.waitFor(() => expect(asked).toEqual([null, 'e-4']))
  feed.close()
})

test('a server that does not answer is asked again', async () => {
  const second = stream()
  const { feed, asked } = following(new Error('refused'), second)
  await vi.waitFor(() => expect(feed.link).toBe('lost'))
  second.write(': still here\n\n')
  await vi.waitFor(() => expect(feed.link).toBe('live'))
  expect(asked).toEqual([null, null])
  feed.close()
})

test('attempts are ever further apart, up to five seconds', () => {
  expect([0, 1, 2, 3, 4, 5, 9].map(backoff)).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000])
})
