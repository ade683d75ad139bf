// How far somebody is on the way to the first deployment, and how requests are
// shared between versions. Pure.
import type { Schemas } from '~/api/client'
import type { TrafficSample } from '~/api/events'

type Known = {
  accounts?: Pick<Schemas['AccountView'], 'name' | 'state'>[]
  applications?: Pick<Schemas['ApplicationRow'], 'name' | 'saved' | 'runs' | 'running'>[]
  pipelines?: Pick<Schemas['PipelineRow'], 'name' | 'application'>[]
}

/** Progress is how a step stands: undefined is not known yet. */
export type Progress = { done: boolean | undefined; says: string }

/** The demo's application is no step of one's own. */
export const demoName = 'demo'

/** progress says of each of the three steps whether it is done, and what there is. */
export function progress({ accounts, applications, pipelines }: Known): [account: Progress, application: Progress, pipeline: Progress] {
  const connected = accounts?.filter((a) => a.state.connected).map((a) => a.name)
  const own = applications?.filter((a) => a.saved && a.name !== demoName)
  const pipeline = pipelines?.find((p) => p.application.toLowerCase() !== demoName)
  const ran = own?.find((a) => a.runs.some((r) => r.status === 'SUCCEEDED'))
  const running = own?.find((a) => a.running > 0)
  return [
    { done: connected && connected.length > 0, says: !connected ? '' : connected.length > 0 ? `Ready: ${some(connected)}` : 'No account is connected' },
    { done: own && own.length > 0, says: own && own.length > 0 ? `There ${own.length === 1 ? 'is' : 'are'} ${some(own.map((a) => a.name))}` : '' },
    {
      done: own && pipelines && ran !== undefined,
      says: ran ? `${ran.runs.findLast((r) => r.status === 'SUCCEEDED')?.name} of ${ran.name} succeeded` : running ? `A pipeline of ${running.name} runs` : pipeline ? `${pipeline.name} of ${pipeline.application} is there; run it` : '',
    },
  ]
}

/** some names the first of a list, and how many more there are. */
function some(names: string[]): string {
  return names.length > 3 ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more` : names.join(', ')
}

export type Counters = Record<string, { requests: number; errors: number }>
export type Share = { name: string; perSecond: number; errors: number; share: number }

/** counters sums what load balancers counted by server group. */
export function counters(samples: TrafficSample[]): Counters {
  const out: Counters = {}
  for (const s of samples) {
    const c = (out[s.serverGroup] ??= { requests: 0, errors: 0 })
    c.requests += s.requests
    c.errors += s.errors
  }
  return out
}

/** shares is how requests were shared between two looks at the counters, ms apart; who got none is left out. */
export function shares(before: Counters, after: Counters, ms: number): Share[] {
  const grown = Object.entries(after).map(([name, c]) => {
    const b = before[name] ?? { requests: 0, errors: 0 }
    return { name, requests: Math.max(0, c.requests - b.requests), errors: Math.max(0, c.errors - b.errors) }
  })
  const all = grown.reduce((n, g) => n + g.requests, 0)
  return grown
    .filter((g) => g.requests > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((g) => ({ name: g.name, perSecond: (g.requests * 1000) / ms, errors: g.errors, share: g.requests / all }))
}

/** firstPipeline is a definition to begin with: what is started with an artifact takes over by red/black. */
export const firstPipeline = (app: string) => ({
  application: app,
  name: 'Deploy',
  parameterConfig: [{ name: 'artifact', label: 'Artifact', description: 'Path of a directory, a .tar.gz or an executable', required: true }],
  stages: [
    {
      refId: '1',
      requisiteStageRefIds: [],
      type: 'deploy',
      name: 'Deploy',
      clusters: [
        {
          account: 'local',
          application: app,
          stack: 'prod',
          strategy: 'redblack',
          capacity: { min: 2, max: 2, desired: 2 },
          artifact: { reference: '${parameters.artifact}' },
          healthCheck: { type: 'http', path: '/' },
        },
      ],
    },
  ],
})
