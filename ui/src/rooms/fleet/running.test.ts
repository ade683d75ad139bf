import { expect, it } from 'vitest'
import type { Execution, Stage } from '~/api/queries'
import { created, lineage, numberOf } from './lineage'
import { lines, runningPath } from './running'
import { row } from './testing'

const stage = (id: string, given: Partial<Stage> = {}): Stage => ({ id, refId: id, type: 'wait', name: id, requisiteStageRefIds: [], status: 'RUNNING', context: {}, outputs: {}, tasks: [], ...given })
const execution = (id: string, given: Partial<Execution> = {}): Execution => ({
  type: 'PIPELINE', id, application: 'shop', name: id, status: 'RUNNING', canceled: false, limitConcurrent: false, keepWaitingPipelines: false, trigger: { type: 'manual' } as Execution['trigger'], stages: [], ...given,
})

it('goes from the outermost stage that runs to the innermost', () => {
  const stages = [stage('inner', { parentStageId: 'outer' }), stage('done', { status: 'SUCCEEDED' }), stage('later', { status: 'NOT_STARTED', parentStageId: 'inner' }), stage('outer')]
  expect(runningPath(stages).map((s) => s.id)).toEqual(['outer', 'inner'])
})

it('makes one line of an execution and those that it waits for', () => {
  const child = execution('Validate', { trigger: { type: 'pipeline', parentExecution: { id: 'Deploy' } } as Execution['trigger'], stages: [stage('Is it good?', { type: 'manualJudgment' })] })
  const parent = execution('Deploy', { startTime: 7, stages: [stage('Run Validate', { type: 'pipeline' })] })
  const over = execution('Old', { status: 'SUCCEEDED' })
  expect(lines([child, parent, over])).toEqual([
    { id: 'Deploy', task: false, name: 'Deploy', status: 'RUNNING', since: 7, path: ['Run Validate', 'Is it good?'], waits: { execution: 'Validate', stage: 'Is it good?', id: 'Is it good?' } },
  ])
})

it('shows a child whose parent is not known', () => {
  const child = execution('Validate', { trigger: { type: 'pipeline', parentExecution: { id: 'elsewhere' } } as Execution['trigger'] })
  expect(lines([child]).map((l) => l.id)).toEqual(['Validate'])
})

const deployed = (id: string, name: string, at: number, given: Partial<Execution> = {}) =>
  execution(id, {
    startTime: at, status: 'SUCCEEDED', authentication: { user: 'ann' },
    stages: [stage('1', { type: 'createServerGroup', context: { artifact: { reference: `/srv/${name}` } }, outputs: { 'deploy.account.name': 'a', 'deploy.server.groups': { r: [name] } } })],
    ...given,
  })

it('tells where versions come from', () => {
  const rows = [row({ name: 'shop-prod-v001', images: ['/srv/one'] }), row({ name: 'shop-prod-v003', version: 3 })]
  const failed = deployed('e2', 'shop-prod-v002', 2, { status: 'TERMINAL' })
  failed.stages.push(stage('2', { context: { exception: { details: { errors: ['it was not healthy'] } } } }))
  const got = lineage({ account: 'a', name: 'shop-prod' }, rows, [failed, deployed('e1', 'shop-prod-v001', 1), deployed('x', 'shop-v001', 1), deployed('e0', 'shop-prod-v001', 0)])
  expect(got.map((v) => [v.number, v.artifact, Boolean(v.row), v.origin?.execution, v.origin?.failure])).toEqual([
    [3, undefined, true, undefined, undefined],
    [2, '/srv/shop-prod-v002', false, 'e2', 'it was not healthy'],
    [1, '/srv/one', true, 'e1', undefined],
  ])
  expect(got[1]?.origin).toMatchObject({ user: 'ann', why: 'by hand', status: 'TERMINAL' })
})

it('reads what manifests made', () => {
  const e = execution('e', { stages: [stage('1', { type: 'deployManifest', context: { account: 'k', 'outputs.createdArtifacts': [{ type: 'kubernetes/replicaSet', name: 'shop', location: 'default', version: 'v003' }, { type: 'kubernetes/service', name: 'shop' }] } })] })
  expect(created(e).map(({ account, region, name }) => [account, region, name])).toEqual([['k', 'default', 'replicaSet shop-v003']])
})

it('tells operations from pipelines', () => {
  const task = deployed('t', 'shop-prod-v004', 9, { type: 'ORCHESTRATION', name: undefined, description: 'Clone Server Group: shop-prod-v003' })
  expect(lines([{ ...task, status: 'RUNNING' }])[0]).toMatchObject({ task: true, name: 'Clone Server Group: shop-prod-v003' })
  expect(lineage({ account: 'a', name: 'shop-prod' }, [], [task])[0]?.origin).toMatchObject({ task: true, pipeline: 'Clone Server Group: shop-prod-v003' })
})

it('reads numbers', () => {
  expect(['shop-v012', 'shop-v1234', 'shop', 'shop-v1'].map(numberOf)).toEqual([12, 1234, undefined, undefined])
})
