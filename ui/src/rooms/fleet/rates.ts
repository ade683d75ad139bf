// How much traffic there is: rates are made of counters that load balancers tell
// about once a second while they change.
import type { TrafficSample } from '~/api/events'
import { inService, type Row } from './model'

/** Over how long a rate is measured, in milliseconds. */
export const span = 5_000
/** How far apart changes are told of at most. */
const apart = 1_200
/** How long a counter that is not told of has just not been told of yet. */
const late = 2_500

/** Rate is what a server group gets through a load balancer: per second, and the mean latency until the first byte. */
export type Rate = { requests: number; errors: number; inFlight: number; latencyMs: number }

/** A change, and how long it took at most: what is not told of for longer did not change. */
type Delta = { at: number; took: number; requests: number; errors: number }
type Series = { since: number; last: TrafficSample; at: number; deltas: Delta[] }

/** History is what was told of each server group behind a load balancer, by keyOf. */
export type History = ReadonlyMap<string, Series>

export const keyOf = (balancer: string, r: { account: string; region: string; name: string }): string => [balancer, r.account, r.region, r.name].join('/')

/** remember adds what was told at a time. A counter that went back began anew. */
export function remember(history: History, samples: TrafficSample[], at: number): History {
  const out = new Map(history)
  for (const s of samples) {
    const key = keyOf(s.loadBalancer, { account: s.account, region: s.region, name: s.serverGroup })
    const was = out.get(key)
    if (!was) {
      out.set(key, { since: at, last: s, at, deltas: [] })
      continue
    }
    const anew = s.requests < was.last.requests || s.errors < was.last.errors
    const delta = { at, took: Math.min(at - was.at, apart), requests: anew ? s.requests : s.requests - was.last.requests, errors: anew ? s.errors : s.errors - was.last.errors }
    out.set(key, { since: was.since, last: s, at, deltas: [...was.deltas.filter((d) => d.at > at - span), delta] })
  }
  return out
}

/** rates says how much each gets now. One that was told of once only is not known yet. */
export function rates(history: History, now: number): Map<string, Rate> {
  const out = new Map<string, Rate>()
  for (const [key, s] of history) {
    if (s.deltas.length === 0 && now - s.since < span) continue
    const end = now - s.at < late ? s.at : now
    const recent = s.deltas.filter((d) => d.at > end - span)
    const told = recent.reduce((n, d) => n + d.took, 0)
    const seconds = Math.max(told, Math.min(span, Math.max(1_000, end - s.since))) / 1_000
    const sum = (of: (d: Delta) => number) => recent.reduce((n, d) => n + of(d), 0) / seconds
    out.set(key, { requests: sum((d) => d.requests), errors: sum((d) => d.errors), inFlight: s.last.inFlight, latencyMs: s.last.latencyMs })
  }
  return out
}

/** Backend is a server group behind a load balancer. */
export type Backend = { name: string; account: string; region: string; version?: number; weight: number; inService: number }

/** backends are the server groups of a cluster that stand behind a load balancer, oldest first. */
export const backends = (groups: Row[], balancer: string): Backend[] =>
  groups.filter((g) => g.loadBalancers.includes(balancer)).map((g) => ({ name: g.name, account: g.account, region: g.region, version: g.version, weight: g.weight, inService: inService(g) })).toReversed()

/** Slice is the part of the traffic through a load balancer that one server group gets. */
export type Slice = { of: Backend; /** 0 to 1; not known if nothing is measured */ measured?: number; /** 0 to 1, after weights and instances in service */ desired: number; rate?: Rate }

export type Split = { slices: Slice[]; /** all of them; not known if nothing is measured */ total?: Rate }

/** split divides the traffic of a load balancer among server groups. */
export function split(behind: Backend[], balancer: string, measured: ReadonlyMap<string, Rate>): Split {
  const weights = behind.reduce((n, b) => n + b.weight * b.inService, 0)
  const found = behind.map((of) => ({ of, rate: measured.get(keyOf(balancer, of)), desired: weights > 0 ? (of.weight * of.inService) / weights : 0 }))
  const requests = found.reduce((n, f) => n + (f.rate?.requests ?? 0), 0)
  if (requests === 0) return { slices: found }
  const sum = (of: (r: Rate) => number) => found.reduce((n, f) => n + (f.rate ? of(f.rate) : 0), 0)
  const total = { requests, errors: sum((r) => r.errors), inFlight: sum((r) => r.inFlight), latencyMs: sum((r) => r.latencyMs * r.requests) / requests }
  return { slices: found.map((f) => ({ ...f, measured: (f.rate?.requests ?? 0) / requests })), total }
}

/** together adds the rates of a server group behind several load balancers; nothing if none is known. */
export function together(row: Row, measured: ReadonlyMap<string, Rate>): Rate | undefined {
  const all = row.loadBalancers.flatMap((lb) => measured.get(keyOf(lb, row)) ?? [])
  if (all.length === 0) return undefined
  const sum = (of: (r: Rate) => number) => all.reduce((n, r) => n + of(r), 0)
  const requests = sum((r) => r.requests)
  return { requests, errors: sum((r) => r.errors), inFlight: sum((r) => r.inFlight), latencyMs: requests > 0 ? sum((r) => r.latencyMs * r.requests) / requests : 0 }
}

/** percent writes a share: 0 %, 0.4 %, 38 %. */
export function percent(share: number): string {
  const p = share * 100
  return `${p > 0 && p < 1 ? Math.max(0.1, p).toFixed(1) : Math.round(p)} %`
}

/** perSecond writes a rate: 0/s, 0.4/s, 38/s, 1.2k/s. */
export function perSecond(rate: number): string {
  if (rate >= 1_000) return `${(rate / 1_000).toFixed(1)}k/s`
  return `${rate > 0 && rate < 9.95 ? rate.toFixed(1) : Math.round(rate)}/s`
}

/** latency writes milliseconds: 0.8 ms, 12 ms. */
export const latency = (ms: number): string => `${ms < 9.95 ? ms.toFixed(1) : Math.round(ms)} ms`
