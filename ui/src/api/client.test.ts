import { expect, test } from 'vitest'
import { ApiError, failure, must } from './client'

test.each([
  ['a refusal', 409, { message: 'It was changed.', hint: 'Read it again.', problems: [] }, { status: 409, message: 'It was changed.', hint: 'Read it again.' }],
  ['no words', 500, undefined, { status: 500, message: 'The server answered with 500.' }],
  ['a page of a proxy', 502, '<html>', { status: 0, message: 'The server does not answer.' }],
  ['a gateway that says why', 502, { message: 'The node does not answer.' }, { status: 502, message: 'The node does not answer.' }],
])('failure of %s', (_, status, body, want) => {
  expect(failure(status, body)).toMatchObject(want)
})

test('must gives data, and throws what is none', async () => {
  await expect(must(Promise.resolve({ data: 1, response: new Response() }))).resolves.toBe(1)
  await expect(must(Promise.resolve({ error: { message: 'No.' }, response: new Response(null, { status: 403 }) }))).rejects.toMatchObject({ status: 403, message: 'No.' })
  await expect(must(Promise.reject(new TypeError('failed to fetch')))).rejects.toSatisfy((e) => e instanceof ApiError && e.offline)
  await expect(must(Promise.reject(new DOMException('', 'AbortError')))).rejects.toSatisfy((e) => e instanceof DOMException)
})
