// What an action would do, said before it is done: what would be left in service,
// what gets the requests then, what cannot be undone.
import { bare, inService, type Row } from './model'
import type { Action, Capacity } from './operations'
import { percent } from './rates'

export type Known = {
  /** The server groups of the cluster in the region, with that which it is about. */
  cluster: Row[]
  /** The measured share of requests, 0 to 1; not known if nothing is measured. */
  share?: number
  /** What it is resized to. */
  to?: Capacity
  /** What it is rolled back to. */
  restore?: Row
}

export type Consequences = {
  /** Sentences. */
  says: string[]
  /** Of the cluster afterwards. */
  left: { serverGroups: number; instances: number; of: number }
  /** It takes something away that is needed, or that does not come back. */
  danger: boolean
  /** The name that is to be typed, as nothing would be left in service. */
  typed?: string
}

const many = (n: number, one: string) => `${n} ${one}${n === 1 ? '' : 's'}`

/** consequences says what an action on r would do, as far as the page knows. The server has the last word. */
export function consequences(action: Action, r: Row, known: Known): Consequences {
  const others = known.cluster.filter((o) => o.name !== r.name)
  const serving = others.filter((o) => inService(o) > 0)
  const elsewhere = others.reduce((n, o) => n + inService(o), 0)
  const mine = inService(r)
  const of = elsewhere + mine
  const left = (own: number) => ({ serverGroups: serving.length + (own > 0 ? 1 : 0), instances: elsewhere + own, of })
  switch (action) {
    case 'enable':
      return { says: enabling(r, known), left: { ...left(r.instances.length), of }, danger: false }
    case 'disable':
    case 'destroy': {
      const says = leaving(r, mine, serving, known.share)
      if (action === 'destroy') says.push(...destroying(r, others))
      const last = mine > 0 && elsewhere === 0
      return { says, left: left(0), danger: action === 'destroy' || last, typed: last ? bare(r.name) : undefined }
    }
    case 'resize': {
      const to = known.to?.desired ?? r.capacity.desired
      const own = Math.min(mine, to)
      const last = mine > 0 && own + elsewhere === 0
      return { says: resizing(r, to, last), left: left(own), danger: last, typed: last ? bare(r.name) : undefined }
    }
    case 'rollback':
      return { says: known.restore ? restoring(r, known.restore) : [], left: left(mine), danger: false }
    case 'clone':
      return { says: [], left: left(mine), danger: false }
  }
}

function enabling(r: Row, { cluster }: Known): string[] {
  const weight = (o: Row) => o.weight * (o.name === r.name ? r.instances.length : inService(o))
  const all = cluster.reduce((n, o) => n + weight(o), 0)
  if (r.instances.length === 0) return ['It has no instances: it gets no requests until it is resized.']
  if (r.loadBalancers.length === 0) return [`Its ${many(r.instances.length, 'instance')} are put into service as soon as they are healthy.`]
  return [`Its ${many(r.instances.length, 'instance')} get about ${percent(weight(r) / Math.max(1, all))} of the requests as soon as they are healthy.`]
}

function leaving(r: Row, mine: number, serving: Row[], share: number | undefined): string[] {
  if (mine === 0) return ['None of its instances gets requests now.']
  const gets = share === undefined ? `It has ${many(mine, 'instance')} in service.` : `It gets ${percent(share)} of the requests now, with ${many(mine, 'instance')}.`
  if (serving.length === 0) return [gets, `Nothing else of ${bare(r.cluster)} is in service in ${r.region}: requests will fail.`]
  return [gets, `They go to ${serving.map((s) => bare(s.name)).join(', ')} (${many(serving.reduce((n, s) => n + inService(s), 0), 'instance')}); requests that are under way are finished.`]
}

function destroying(r: Row, others: Row[]): string[] {
  const out = [`Its ${many(r.instances.length, 'instance')} stop, and what they wrote to their disks is gone. This cannot be undone.`]
  if (others.length === 0) out.push(`It is the last version of ${bare(r.cluster)}: there will be nothing to roll back to.`)
  else if (r.status === 'disabled') out.push('There is no rolling back to it any more.')
  return out
}

function resizing(r: Row, to: number, last: boolean): string[] {
  const by = to - r.capacity.desired
  const says = by === 0 ? ['The number of instances stays as it is.'] : by > 0 ? [`${many(by, 'instance')} more ${by === 1 ? 'starts' : 'start'}.`] : [by === -1 ? '1 instance finishes its requests and stops.' : `${-by} instances finish their requests and stop.`]
  if (last) says.push(`Nothing of ${bare(r.cluster)} is in service in ${r.region} then: requests will fail.`)
  return says
}

function restoring(r: Row, restore: Row): string[] {
  const wanted = Math.max(r.capacity.desired, restore.capacity.desired)
  const grows = restore.capacity.desired < wanted
  return [
    `${bare(restore.name)} is ${restore.status === 'disabled' ? 'enabled' : 'kept in service'}${grows ? ` and grown from ${restore.capacity.desired} to ${many(wanted, 'instance')}` : ''}.`,
    `When all of it is healthy, ${bare(r.name)} is disabled; it stays there.`,
  ]
}
