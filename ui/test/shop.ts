// An application of a test's own, which it may break.
import path from 'node:path'
import { artifact, Load } from './service'
import { type Execution, freePort, type Json, type World } from './world'

/** Shop is an application with what its test saves and deploys. */
export class Shop {
  private load: Load | undefined

  private constructor(
    readonly world: World,
    readonly name: string,
  ) {}

  static async open(world: World, name: string): Promise<Shop> {
    await world.operate(name, `Create Application: ${name}`, {
      type: 'createApplication',
      application: { name, email: `${name}@example.com`, cloudProviders: 'local', description: 'Sells umbrellas' },
    })
    return new Shop(world, name)
  }

  /** save saves a pipeline of this application, and returns its ID. */
  async save(name: string, pipeline: Json & { stages: Json[] }): Promise<string> {
    await this.world.ask('POST', '/pipelines', { application: this.name, name, ...pipeline })
    const all = await this.world.ask<{ id: string; name: string }[]>('GET', `/applications/${this.name}/pipelineConfigs`)
    const saved = all.find((p) => p.name === name)
    if (!saved) throw new Error(`${name} was not saved`)
    return saved.id
  }

  /** run starts a pipeline, and returns the execution's ID. */
  async run(pipeline: string, parameters: Json = {}): Promise<string> {
    const { ref } = await this.world.ask<{ ref: string }>('POST', `/pipelines/${this.name}/${encodeURIComponent(pipeline)}`, { parameters })
    return path.basename(ref)
  }

  /** listens makes a load balancer with the application's name, and asks it all the time. */
  async listens(): Promise<Load> {
    const port = await freePort()
    await this.world.operate(this.name, `Create Load Balancer: ${this.name}`, {
      type: 'upsertLoadBalancer', cloudProvider: 'local', account: 'local', credentials: 'local', region: 'local',
      name: this.name, application: this.name, listen: `127.0.0.1:${port}`,
    })
    this.load = new Load(port)
    return this.load
  }

  /** serves deploys versions, one after the other, under load. */
  async serves(...versions: string[]): Promise<Load> {
    const load = await this.listens()
    await this.deploys()
    for (const v of versions) await this.deploy(v)
    return load
  }

  /** close asks no more, and has what was deployed destroyed. */
  async close() {
    this.load?.stop()
    const groups = await this.world.ask<{ items: { name: string; account: string; region: string }[] }>('GET', `/api/v1/server-groups?application=${this.name}`)
    const job = groups.items.map((g) => ({ type: 'destroyServerGroup', cloudProvider: 'local', credentials: g.account, region: g.region, regions: [g.region], serverGroupName: g.name }))
    if (job.length > 0) await this.world.ask('POST', '/tasks', { application: this.name, description: 'Clean up', job })
  }

  /** cluster is where and how the application is deployed, with these fields besides. */
  cluster(fields: Json = {}): Json {
    return {
      cloudProvider: 'local', account: 'local', region: 'local', application: this.name, stack: 'prod',
      strategy: 'redblack', capacity: { min: 2, max: 2, desired: 2 }, loadBalancers: [this.name],
      rollback: { onFailure: true }, drainSeconds: 1, stopSeconds: 1,
      artifact: { reference: '${parameters.artifact}' },
      healthCheck: { type: 'http', path: '/health', intervalMs: 100, graceSeconds: 3 },
      ...fields,
    }
  }

  /** deploys saves a pipeline "Deploy", which takes the path of an artifact. */
  deploys(fields: Json = {}): Promise<string> {
    return this.save('Deploy', {
      parameterConfig: [{ name: 'artifact', label: 'Artifact', required: true, description: 'Path of an executable' }],
      stages: [{ refId: '1', requisiteStageRefIds: [], type: 'deploy', name: 'Deploy to production', clusters: [this.cluster(fields)] }],
    })
  }

  artifact(version: string) {
    return artifact(path.join(this.world.dir, 'artifacts', this.name), version)
  }

  /** deploy deploys a version with the pipeline of deploys, and waits. */
  async deploy(version: string): Promise<Execution> {
    const x = await this.world.execution(await this.run('Deploy', { artifact: await this.artifact(version) }))
    if (x.status !== 'SUCCEEDED') throw new Error(`the deployment of ${version} ended as ${x.status}`)
    return x
  }

  /** group returns the name of a server group of this application. */
  group(version: number) {
    return `${this.name}-prod-v${String(version).padStart(3, '0')}`
  }
}

/** Stages that tests are made of. */
export const wait = (refId: string, seconds: number, after: string[] = [], name = 'Wait'): Json => ({ refId, requisiteStageRefIds: after, type: 'wait', name, waitTime: seconds })
export const judgment = (refId: string, after: string[] = [], fields: Json = {}): Json => ({
  refId, requisiteStageRefIds: after, type: 'manualJudgment', name: 'Is it good?', instructions: 'Look at the errors of the new version.', judgmentInputs: [], ...fields,
})
