// Asks the server. What can be asked, and what is answered, is generated from
// its description, which is written from its table of routes.
import createClient from 'openapi-fetch'
import type { components, paths } from './schema'

export type Schemas = components['schemas']

/** Problem is what is wrong with one place of a document. Line and column count from 1. */
export type Problem = Schemas['Problem']

/** ApiError is an answer that is no success: one sentence of cause, and what to do. */
export class ApiError extends Error {
  constructor(
    /** HTTP status; 0 if the server did not answer. */
    readonly status: number,
    message: string,
    readonly hint?: string,
    readonly problems: Problem[] = [],
  ) {
    super(message)
    this.name = 'ApiError'
  }

  get offline() {
    return this.status === 0
  }
}

export const api = createClient<paths>({
  baseUrl: typeof location === 'undefined' ? 'http://localhost' : location.origin,
  fetch: (request) => fetch(request),
})

type Answer<T> = { data?: T; error?: unknown; response: Response }

/** must returns the data of an answer, or throws an ApiError. */
export async function must<T>(answer: Promise<Answer<T>>): Promise<NonNullable<T>> {
  let got: Answer<T>
  try {
    got = await answer
  } catch (e) {
    if (e instanceof DOMException && e.name === 'AbortError') throw e
    throw unanswered()
  }
  if (got.response.ok) return got.data as NonNullable<T>
  throw failure(got.response.status, got.error)
}

const unanswered = () => new ApiError(0, 'The server does not answer.', 'What you see is what was last known; it is asked again.')

/** failure makes an ApiError of the body of a refusal; that of a proxy before the server says that nobody answers. */
export function failure(status: number, body: unknown): ApiError {
  const b = (typeof body === 'object' && body !== null ? body : {}) as Partial<Schemas['ErrorBody']>
  if ((status === 502 || status === 504) && !b.message) return unanswered()
  return new ApiError(status, b.message || `The server answered with ${status}.`, b.hint, b.problems ?? [])
}

/** asError makes what was thrown presentable. */
export function asError(e: unknown): ApiError {
  return e instanceof ApiError ? e : new ApiError(-1, e instanceof Error ? e.message : String(e))
}
