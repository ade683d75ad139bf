// Load balancers and firewalls as the page shows them.
import type { Schemas } from '~/api/client'
import type { Faceted } from './facets'
import { numberOf } from './lineage'
import { bare } from './model'
import type { Operation } from './operations'
import type { Backend } from './rates'

export type Balancer = Schemas['LoadBalancerBody']
export type Firewall = Schemas['Resource']

/** addresses lists where a load balancer listens. */
export function addresses(lb: Balancer): string[] {
  if (lb.listen) return [lb.listen]
  const hosts = lb.hosts ?? []
  const ports = (lb.ports ?? []).map((p) => `${p.port}${p.targetPort && p.targetPort !== String(p.port) ? ` → ${p.targetPort}` : ''}${p.protocol && p.protocol !== 'TCP' ? ` ${p.protocol}` : ''}`)
  if (hosts.length === 0) return ports
  return ports.length === 0 ? hosts : hosts.map((h) => `${h}: ${ports.join(', ')}`)
}

/** backendsOf are the server groups behind a load balancer, oldest first. */
export const backendsOf = (lb: Balancer): Backend[] =>
  lb.serverGroups.map((g) => ({ name: g.name, account: g.account, region: g.region, version: numberOf(g.name), weight: g.weight, inService: g.inService })).sort((a, b) => a.name.localeCompare(b.name))

/** facetedBalancer says by what a load balancer is found. */
export function facetedBalancer(lb: Balancer): Faceted<Balancer> {
  const text = [lb.name, lb.account, lb.region, ...addresses(lb), ...lb.serverGroups.map((g) => g.name)].join(' ').toLowerCase()
  return { item: lb, facets: { account: lb.account, region: lb.region, provider: lb.cloudProvider, kind: lb.kind || 'load balancer' }, text }
}

/** Kinds of objects that are firewalls. */
const firewallKinds = new Set(['NetworkPolicy'])

/** firewallsIn picks the firewalls among the objects of an application. */
export const firewallsIn = (all: Firewall[]): Firewall[] => all.filter((r) => firewallKinds.has(r.kind))

export function facetedFirewall(f: Firewall): Faceted<Firewall> {
  return { item: f, facets: { account: f.account, region: f.region, provider: f.cloudProvider, kind: f.kind }, text: [f.name, f.account, f.region].join(' ').toLowerCase() }
}

type SecurityRule = Schemas['SecurityRule']

/** ruleText writes what a rule lets through: TCP 80, 443, 8000–8010. */
export function ruleText(r: SecurityRule): string {
  const ports = r.portRanges.map((p) => {
    const start = p.startPortName ?? p.startPort
    const end = p.endPortName ?? p.endPort
    return start === undefined ? 'all ports' : end === undefined || end === start ? String(start) : `${start}–${end}`
  })
  return `${r.protocol} ${ports.join(', ') || 'all ports'}`
}

export type NewBalancer = { application: string; account: string; region: string; cloudProvider: string; name: string; listen: string }

/** create makes a load balancer, or changes where it listens. */
export function create(lb: NewBalancer): Operation {
  const { application, account, region, cloudProvider, name, listen } = lb
  return { application, description: `Create Load Balancer: ${name}`, job: [{ type: 'upsertLoadBalancer', cloudProvider, account, credentials: account, region, name, listen, application }] }
}

/** remove deletes a load balancer; a task belongs to an application. */
export function remove(app: string, lb: Balancer): Operation {
  const { account, region, cloudProvider, name } = lb
  return { application: lb.application || app, description: `Delete Load Balancer: ${bare(name)}`, job: [{ type: 'deleteLoadBalancer', cloudProvider, account, credentials: account, region, loadBalancerName: name }] }
}

/** wrongAddress says what is wrong with an address to listen on; nothing if it can be. */
export function wrongAddress(listen: string): string | undefined {
  const found = /^(.*):(\d+)$/.exec(listen.trim())
  const port = Number(found?.[2])
  if (!found || !(port >= 1 && port <= 65_535)) return 'A host and a port, as 127.0.0.1:8080.'
  return undefined
}

/** deleting says what deleting a load balancer would do. */
export function deleting(lb: Balancer, perSecond: number | undefined): string[] {
  const serving = lb.serverGroups.filter((g) => g.inService > 0)
  const out = [`Nothing listens on ${addresses(lb).join(', ') || 'its address'} any more.`]
  if (perSecond) out.push(`It gets ${perSecond.toFixed(perSecond < 10 ? 1 : 0)} requests a second now: they will fail.`)
  if (serving.length > 0) out.push(`${serving.map((g) => bare(g.name)).join(', ')} ${serving.length === 1 ? 'gets' : 'get'} no more requests through it.`)
  return out
}
