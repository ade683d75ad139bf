import { expect, test } from 'vitest'
import { failureOf, type Operation } from './operate'

const execution = { canceled: false } as Operation['execution']
const step = (exception?: unknown) => ({ id: '1', name: 'a', status: 'TERMINAL', taskExceptionDetails: exception ? { exception } : undefined }) as unknown as Operation['steps'][number]

test.each([
  ['is running', { status: 'RUNNING', steps: [], execution }, undefined],
  ['succeeded', { status: 'SUCCEEDED', steps: [], execution }, undefined],
  ['says why', { status: 'TERMINAL', steps: [step(), step({ details: { error: 'Unexpected Task Failure', errors: ['a is in use', 'b is, too'], hint: 'destroy them' } })], execution }, { message: 'a is in use; b is, too', hint: 'destroy them' }],
  ['says only its kind', { status: 'TERMINAL', steps: [step({ details: { error: 'Unexpected Task Failure' } })], execution }, { message: 'Unexpected Task Failure', hint: undefined }],
  ['says nothing', { status: 'TERMINAL', steps: [step()], execution }, { message: 'Delete a ended as TERMINAL.' }],
  ['was canceled', { status: 'CANCELED', steps: [], execution: { ...execution, canceled: true, canceledBy: 'ann', cancellationReason: 'too late' } }, { message: 'ann canceled it: too late.' }],
] as const)('failureOf an operation that %s', (_, o, want) => {
  expect(failureOf({ name: 'Delete a', ...o } as unknown as Operation)).toEqual(want)
})
