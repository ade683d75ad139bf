// A Kubernetes API server as far as an account is watched: what it has is listed
// and watched, and nothing can be changed but by the test.
import { once } from 'node:events'
import { promises as fs } from 'node:fs'
import http from 'node:http'
import type net from 'node:net'
import type { Json } from './world'

type Meta = { name: string; namespace: string; uid: string; resourceVersion: string; labels?: Record<string, string>; [more: string]: unknown }
type Item = { metadata: Meta } & Json
type Watch = { resource: string; res: http.ServerResponse }

const resources: Record<string, { group: string; kind: string }> = {
  pods: { group: '', kind: 'Pod' },
  services: { group: '', kind: 'Service' },
  replicasets: { group: 'apps', kind: 'ReplicaSet' },
  endpointslices: { group: 'discovery.k8s.io', kind: 'EndpointSlice' },
}
const version = (group: string) => (group ? `${group}/v1` : 'v1')
const namespace = 'shop'

/** Fleet says how many ReplicaSets of how many pods an application has. */
export type Fleet = { application: string; groups: number; pods: number }

export class Cluster {
  private readonly items = new Map<string, Item>()
  private readonly watches = new Set<Watch>()
  private revision = 1_000

  private constructor(private readonly server: http.Server) {}

  static async start(fleet: Fleet): Promise<Cluster> {
    const server = http.createServer((req, res) => cluster.answer(req, res))
    const cluster = new Cluster(server)
    cluster.fill(fleet)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return cluster
  }

  close() {
    this.server.closeAllConnections()
    this.server.close()
  }

  /** kubeconfig writes a file with which the cluster is reached. */
  async kubeconfig(file: string): Promise<string> {
    await writeKubeconfig(file, `http://127.0.0.1:${(this.server.address() as net.AddressInfo).port}`)
    return file
  }

  /** ready makes a pod ready, or not, and tells those who watch. */
  ready(pod: string, is: boolean) {
    const item = this.items.get(`pods/${pod}`)
    if (!item) throw new Error(`there is no pod ${pod}`)
    const replaced = { ...item, status: podStatus(is), metadata: { ...item.metadata, resourceVersion: String(++this.revision) } }
    this.items.set(`pods/${pod}`, replaced)
    for (const w of this.watches) if (w.resource === 'pods') w.res.write(`${JSON.stringify({ type: 'MODIFIED', object: replaced })}\n`)
  }

  private add(resource: string, name: string, metadata: Json, rest: Json) {
    const { group, kind } = resources[resource]!
    this.items.set(`${resource}/${name}`, {
      apiVersion: version(group), kind,
      metadata: { name, namespace, uid: `${resource}-${name}`, resourceVersion: String(++this.revision), creationTimestamp: '2026-01-02T03:04:05Z', ...metadata },
      ...rest,
    })
  }

  private fill({ application, groups, pods }: Fleet) {
    for (let v = 0; v < groups; v++) {
      const set = `${application}-c${v % 10}-v${String(Math.floor(v / 10)).padStart(3, '0')}`
      const cluster = `replicaSet ${application}-c${v % 10}`
      const labels = { version: set }
      this.add('replicasets', set, {
        annotations: { 'moniker.spinnaker.io/application': application, 'moniker.spinnaker.io/cluster': cluster },
        labels: { 'moniker.spinnaker.io/sequence': String(Math.floor(v / 10)) },
      }, {
        spec: { replicas: pods, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec(v) } },
        status: { replicas: pods, readyReplicas: pods, availableReplicas: pods, observedGeneration: 1 },
      })
      for (let p = 0; p < pods; p++) {
        const name = `${set}-${String(p).padStart(3, '0')}`
        this.add('pods', name, {
          labels, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: set, uid: `replicasets-${set}`, controller: true }],
        }, { spec: { ...podSpec(v), nodeName: `node-${p % 20}` }, status: podStatus(true) })
      }
    }
  }

  private answer(req: http.IncomingMessage, res: http.ServerResponse) {
    const url = new URL(req.url ?? '/', 'http://cluster')
    const known = discovery[url.pathname]
    if (known) return send(res, 200, known)
    if (req.method === 'POST' && url.pathname.startsWith('/apis/authorization.k8s.io/')) return send(res, 201, { status: { allowed: true } })
    const resource = url.pathname.split('/').at(-1) ?? ''
    const what = resources[resource]
    if (req.method !== 'GET' || !what) return send(res, 404, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 })
    const items = [...this.items].filter(([key]) => key.startsWith(`${resource}/`)).map(([, item]) => item)
    if (url.searchParams.get('watch') !== 'true')
      return send(res, 200, { apiVersion: version(what.group), kind: `${what.kind}List`, metadata: { resourceVersion: String(this.revision) }, items })
    res.writeHead(200, { 'content-type': 'application/json' })
    if (url.searchParams.get('sendInitialEvents') === 'true') {
      for (const object of items) res.write(`${JSON.stringify({ type: 'ADDED', object })}\n`)
      const metadata = { resourceVersion: String(this.revision), annotations: { 'k8s.io/initial-events-end': 'true' } }
      res.write(`${JSON.stringify({ type: 'BOOKMARK', object: { apiVersion: version(what.group), kind: what.kind, metadata } })}\n`)
    }
    const watch = { resource, res }
    this.watches.add(watch)
    res.on('close', () => this.watches.delete(watch))
  }
}

/** writeKubeconfig writes a file that leads to a server; one at which nobody listens will not answer. */
export async function writeKubeconfig(file: string, server: string) {
  await fs.writeFile(file, JSON.stringify({
    apiVersion: 'v1', kind: 'Config', 'current-context': 'here',
    clusters: [{ name: 'here', cluster: { server } }],
    users: [{ name: 'tester', user: { token: 'nothing' } }],
    contexts: [{ name: 'here', context: { cluster: 'here', user: 'tester' } }],
  }), { mode: 0o600 })
}

function send(res: http.ServerResponse, status: number, body: Json) {
  res.writeHead(status, { 'content-type': 'application/json' })
  res.end(JSON.stringify(body))
}

const podSpec = (v: number): Json => ({ containers: [{ name: 'web', image: `registry.example/web:1.${v}.0` }] })

function podStatus(ready: boolean): Json {
  const since = '2026-01-02T03:04:05Z'
  const state = ready ? { running: { startedAt: since } } : { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s restarting failed container' } }
  return {
    phase: 'Running', podIP: '10.0.0.1', startTime: since,
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: since }, { type: 'PodScheduled', status: 'True', lastTransitionTime: since }],
    containerStatuses: [{ name: 'web', ready, started: ready, restartCount: ready ? 0 : 4, image: 'registry.example/web', imageID: '', state }],
  }
}

const list = (group: string): Json => ({
  kind: 'APIResourceList', apiVersion: 'v1', groupVersion: version(group),
  resources: Object.entries(resources).filter(([, r]) => r.group === group)
    .map(([name, r]) => ({ name, singularName: '', namespaced: true, kind: r.kind, verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'] })),
})
const groups = [...new Set(Object.values(resources).map((r) => r.group))].filter(Boolean)
const discovery: Record<string, Json> = {
  '/version': { major: '1', minor: '35', gitVersion: 'v1.35.0' },
  '/api': { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] },
  '/api/v1': list(''),
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map((name) => ({ name, versions: [{ groupVersion: version(name), version: 'v1' }], preferredVersion: { groupVersion: version(name), version: 'v1' } })) },
  ...Object.fromEntries(groups.map((g) => [`/apis/${version(g)}`, list(g)])),
}
