// A world in which everything that pages show is going on.
import path from 'node:path'
import { writeKubeconfig } from './cluster'
import type { Places } from './pages'
import { judgment, Shop, wait } from './shop'
import { type Json, running, type World } from './world'

/** Living is an application under load: deployed twice, once in vain, and just being deployed step by step. */
export type Living = { shop: Shop; places: Places }

export async function live(world: World): Promise<Living> {
  const shop = await Shop.open(world, 'umbrella')
  await shop.listens()
  await silent(world)
  await pipelines(shop)
  const nightly = Promise.all(Array.from({ length: 6 }, (_, i) => shop.run('Nightly', { fail: i % 4 === 3 })))
  await shop.deploy('v1')
  const succeeded = await shop.deploy('v2')
  const failed = await world.execution(await shop.run('Deploy', { artifact: await shop.artifact('bad3') }))
  await shop.run('Deploy gradually', { artifact: await shop.artifact('v4') })
  await nightly
  return {
    shop,
    places: {
      app: shop.name,
      pipeline: await revised(shop),
      succeeded: succeeded.id,
      failed: failed.id,
      waiting: await waiting(shop),
      group: `local/local/${shop.group(1)}`,
      silent: 'staging',
    },
  }
}

/** silent adds an account of a cluster that does not answer. */
async function silent(world: World) {
  const kubeconfigFile = path.join(world.dir, 'staging.yaml')
  await writeKubeconfig(kubeconfigFile, 'https://127.0.0.1:1')
  await world.ask('PUT', '/api/v1/accounts/staging', { name: 'staging', kubeconfigFile })
}

async function pipelines(shop: Shop) {
  await shop.deploys({ stageTimeoutMs: 8_000, delayBeforeDisableSec: 1 })
  const validate = await shop.save('Validate', { stages: [judgment('1')] })
  await shop.save('Deploy gradually', {
    parameterConfig: [{ name: 'artifact', label: 'Artifact', required: true }],
    stages: [{
      refId: '1', requisiteStageRefIds: [], type: 'deploy', name: 'Deploy step by step',
      clusters: [shop.cluster({
        strategy: 'rollingredblack', targetPercentages: [50, 100],
        pipelineBeforeCleanup: { application: shop.name, pipelineId: validate, pipelineParameters: {} },
      })],
    }],
  })
  await shop.save('Nightly', {
    stages: [
      wait('1', 1, [], 'Warm up'),
      wait('2', 1, ['1'], 'Read'),
      wait('3', 2, ['1'], 'Write'),
      { refId: '4', requisiteStageRefIds: ['2', '3'], type: 'checkPreconditions', name: 'Compare', preconditions: [{ type: 'expression', failPipeline: true, context: { expression: '${ !parameters.fail }' } }] },
    ],
  })
}

/** release saves a pipeline that asks for much before it starts. */
export const release = (shop: Shop) =>
  shop.save('Release', {
    description: 'To where and how fast it is asked.',
    parameterConfig: [
      { name: 'version', label: 'Version', required: true, description: 'As it was built' },
      { name: 'environment', label: 'Environment', hasOptions: true, default: 'test', options: [{ value: 'test' }, { value: 'prod' }] },
      { name: 'ticket', label: 'Ticket', description: 'Who approved it', conditional: { parameter: 'environment', comparator: '=', comparatorValue: 'prod' } },
    ],
    stages: [wait('1', 1, [], 'Build ${parameters.version}'), wait('2', 1, ['1'], 'Test'), judgment('3', ['2'], { judgmentInputs: [{ value: 'fast' }, { value: 'slow' }] }), wait('4', 1, ['3'], 'Tell everybody')],
  })

/** revised saves that pipeline twice, so that there is something to compare. */
async function revised(shop: Shop): Promise<string> {
  const id = await release(shop)
  const saved = await shop.world.ask<Json & { stages: Json[] }>('GET', `/applications/${shop.name}/pipelineConfigs/Release`)
  const stages = saved.stages.map((s) => (s.name === 'Test' ? { ...s, waitTime: 2 } : s))
  await shop.world.ask('POST', '/pipelines', { ...saved, description: 'To where it goes, and how fast, is asked.', stages })
  return id
}

/** waiting returns the execution that waits for a judgment, when it does. */
async function waiting(shop: Shop): Promise<string> {
  const { items } = await shop.world.until<{ items: { id: string; name?: string; status: string }[] }>(
    `/api/v1/executions?application=${shop.name}&limit=50`,
    (all) => all.items.some((x) => x.name === 'Validate' && x.status === 'RUNNING'),
  )
  const x = items.find((x) => x.name === 'Validate' && x.status === 'RUNNING')!
  return (await shop.world.execution(x.id, (x) => running(x, 'manualJudgment') !== undefined)).id
}
