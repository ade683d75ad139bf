import { expect, test } from 'vitest'
import { toneOf, wordOf } from './status'

test.each([
  ['SUCCEEDED', 'ok', 'succeeded'],
  ['TERMINAL', 'bad', 'failed'],
  ['FAILED_CONTINUE', 'wait', 'failed, went on'],
  ['NOT_STARTED', 'idle', 'not started'],
  ['Up', 'ok', 'up'],
  ['OutOfService', 'idle', 'out of service'],
  ['SOMETHING_NEW', 'stop', 'something new'],
])('%s is %s and called "%s"', (status, tone, word) => {
  expect(toneOf(status)).toBe(tone)
  expect(wordOf(status)).toBe(word)
})
