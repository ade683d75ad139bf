import { describe, expect, test } from 'vitest'
import { failureOf, failureOfStage } from './failure'
import { executionOf, stageOf } from './make'

const exception = (errors: string[], more: object = {}) => ({ exception: { exceptionType: 'TaskFailure', operation: 'waitForUpInstances', details: { error: 'Unexpected Task Failure', errors, ...more } } })
const task = (name: string, status = 'TERMINAL') => ({ id: '1', name, status, stageStart: true, stageEnd: true, loopStart: false, loopEnd: false })

/** A deployment whose instances do not become healthy, as the server records it. */
const unhealthy = executionOf(
  [
    stageOf('1<1', {
      name: 'Deploy in local',
      type: 'createServerGroup',
      parentStageId: '1',
      syntheticStageOwner: 'STAGE_BEFORE',
      status: 'TERMINAL',
      endTime: 20,
      tasks: [task('createServerGroup', 'SUCCEEDED'), task('waitForUpInstances')],
      context: {
        account: 'local',
        'deploy.account.name': 'local',
        'deploy.server.groups': { local: ['demo-prod-v002'] },
        ...exception(['waitForUpInstances of stage Deploy in local timed out after 12s: 2 of 2 instances of demo-prod-v002 did not become healthy: demo-prod-v002-0001 GET /health answered 503; demo-prod-v002-0002 GET /health answered 503'], {
          hint: 'look at the logs and the health check of the instances',
        }),
      },
    }),
    stageOf('1<1>1', { name: 'Destroy demo-prod-v002', parentStageId: '1<1', syntheticStageOwner: 'STAGE_AFTER' }),
    stageOf('1', { name: 'Deploy to production', status: 'TERMINAL', endTime: 30 }),
  ],
  { status: 'TERMINAL' },
)

test('instances that do not become healthy', () => {
  expect(failureOf(unhealthy)).toMatchObject({
    cause: 'Timed out after 12s: 2 of 2 instances of demo-prod-v002 did not become healthy: demo-prod-v002-0001 GET /health answered 503; demo-prod-v002-0002 GET /health answered 503.',
    hint: 'look at the logs and the health check of the instances',
    where: 'Deploy to production / Deploy in local',
    retry: { id: '1' },
    resource: { kind: 'serverGroup', account: 'local', region: 'local', name: 'demo-prod-v002' },
    instances: ['demo-prod-v002-0001', 'demo-prod-v002-0002'],
    ignored: false,
  })
})

test('a stage is explained by the part of it that failed', () => {
  expect(failureOfStage(unhealthy, unhealthy.stages[2]!)?.stage?.id).toBe('1<1')
  expect(failureOfStage(unhealthy, unhealthy.stages[1]!)).toBeUndefined()
})

describe('failureOf', () => {
  test.each<[string, ReturnType<typeof executionOf>, object | undefined]>([
    ['success has none', executionOf([stageOf('1')]), undefined],
    ['what runs has none', executionOf([stageOf('1', { status: 'RUNNING' })], { status: 'RUNNING' }), undefined],
    ['before the first stage', executionOf([], { status: 'TERMINAL', canceledBy: 'system', cancellationReason: 'Failed on startup: no artifact matches.' }), { cause: 'Failed on startup: no artifact matches.' }],
    ['without a word', executionOf([stageOf('1', { name: 'Bake', status: 'TERMINAL', tasks: [task('bake')] })], { status: 'TERMINAL' }), { cause: 'Bake failed in bake, and does not say why.' }],
    ['what was ignored is told when nothing else failed', executionOf([stageOf('1', { status: 'FAILED_CONTINUE', context: exception(['no quota']) })]), { cause: 'No quota.', ignored: true }],
    [
      'what failed goes before what was ignored',
      executionOf([stageOf('1', { status: 'FAILED_CONTINUE', context: exception(['first']), endTime: 1 }), stageOf('2', { status: 'TERMINAL', context: exception(['second']), endTime: 2 })], { status: 'TERMINAL' }),
      { cause: 'Second.', stage: { id: '2' } },
    ],
    ['by what a task says', executionOf([stageOf('1', { status: 'TERMINAL', tasks: [{ ...task('run'), taskExceptionDetails: exception(['disk is full']) }] })], { status: 'TERMINAL' }), { cause: 'Disk is full.' }],
    ['a child pipeline', executionOf([stageOf('1', { type: 'pipeline', status: 'TERMINAL', context: { executionId: 'c1', ...exception(['Exception in child pipeline stage (Validate: Judge): no']) } })], { status: 'TERMINAL' }), { child: 'c1' }],
    ['a job', executionOf([stageOf('1', { type: 'runJob', status: 'TERMINAL', context: { account: 'k8s', 'deploy.jobs': { default: ['migrate-x1'] }, ...exception(["Job: 'migrate-x1' failed."]) } })], { status: 'TERMINAL' }), { resource: { kind: 'job', account: 'k8s', region: 'default', name: 'migrate-x1' } }],
    ['several errors', executionOf([stageOf('1', { status: 'TERMINAL', context: exception(['one', 'two']) })], { status: 'TERMINAL' }), { cause: 'One.', more: ['two'] }],
    ['garbage in the context', executionOf([stageOf('1', { name: 'Odd', status: 'TERMINAL', context: { exception: 'no object', 'deploy.server.groups': [1], 'deploy.jobs': null } })], { status: 'TERMINAL' }), { cause: 'Odd failed, and does not say why.', resource: undefined }],
  ])('%s', (_, x, want) => {
    const got = failureOf(x)
    if (want === undefined) expect(got).toBeUndefined()
    else expect(got).toMatchObject(want)
  })
})
