// Server groups as the page arranges them: by account, cluster and version.
import type { Schemas } from '~/api/client'

export type Row = Schemas['ServerGroupRow']
export type Group = Schemas['ServerGroupBody']
export type Ref = { account: string; region: string; name: string }

export const refOf = (r: Ref): string => `${r.account}/${r.region}/${r.name}`

/** parseRef reads account/region/name; a name may have slashes. */
export function parseRef(text: string | undefined): Ref | undefined {
  const [account, region, ...name] = text?.split('/') ?? []
  return account && region && name.length > 0 && name.join('/') ? { account, region, name: name.join('/') } : undefined
}

/** bare returns a name without the kind before it, as of "replicaSet shop-v003". */
export const bare = (name: string): string => name.slice(name.indexOf(' ') + 1)

/** versionOf writes the number of a server group in its cluster; its name if it has none. */
export function versionOf(r: { name: string; version?: number }): string {
  return r.version === undefined ? bare(r.name) : `v${String(r.version).padStart(3, '0')}`
}

/** short writes an image or artifact in a few letters: the last part, without its digest. */
export function short(image: string): string {
  const plain = image.replace(/@sha256:[0-9a-f]+$/, '').replace(/\/+$/, '')
  return plain.slice(plain.lastIndexOf('/') + 1) || image
}

/** parts returns the stack and the detail in the name of a cluster: app-stack-detail. */
export function parts(r: { application: string; cluster: string }): { stack: string; detail: string } {
  const cluster = bare(r.cluster)
  const rest = cluster.startsWith(`${r.application}-`) ? cluster.slice(r.application.length + 1) : ''
  const dash = rest.indexOf('-')
  return dash < 0 ? { stack: rest, detail: '' } : { stack: rest.slice(0, dash), detail: rest.slice(dash + 1) }
}

/** inService counts the instances that get requests. */
export const inService = (r: Row): number => (r.status === 'disabled' || r.status === 'destroying' ? 0 : r.instanceCounts.up)

export type Cluster = { key: string; account: string; name: string; provider: string; regions: string[]; groups: Row[] }

const newestFirst = (a: Row, b: Row) =>
  a.region.localeCompare(b.region) || (b.createdTime ?? 0) - (a.createdTime ?? 0) || (b.version ?? 0) - (a.version ?? 0) || a.name.localeCompare(b.name)

/** clusters arranges server groups: by account and name, each with its newest version first. */
export function clusters(rows: Row[]): Cluster[] {
  const found = new Map<string, Cluster>()
  for (const r of rows) {
    const key = `${r.account}/${r.cluster}`
    const c = found.get(key) ?? { key, account: r.account, name: r.cluster, provider: r.cloudProvider, regions: [], groups: [] }
    if (!c.regions.includes(r.region)) c.regions.push(r.region)
    c.groups.push(r)
    found.set(key, c)
  }
  const out = [...found.values()].sort((a, b) => a.account.localeCompare(b.account) || a.name.localeCompare(b.name))
  for (const c of out) {
    c.groups.sort(newestFirst)
    c.regions.sort()
  }
  return out
}

/** balancersOf lists the load balancers of a cluster; one of the same name in another region is another one. */
export function balancersOf(c: Cluster): { region: string; name: string }[] {
  return c.regions.flatMap((region) => [...new Set(c.groups.flatMap((g) => (g.region === region ? g.loadBalancers : [])))].sort().map((name) => ({ region, name })))
}

/** siblings are the server groups of the same cluster in the same region, and r itself, newest first. */
export const siblings = (rows: Row[], r: Row): Row[] =>
  rows.filter((o) => o.account === r.account && o.region === r.region && o.cluster === r.cluster).sort(newestFirst)

export type Item = { kind: 'account'; account: string; asOf: number; clusters: number } | { kind: 'cluster'; cluster: Cluster } | { kind: 'group'; row: Row; cluster: Cluster }

/** items makes lines of clusters: each account and each cluster that has something to show has a heading. */
export function items(all: Cluster[], shown: (r: Row) => boolean = () => true): Item[] {
  const out: Item[] = []
  let account: (Item & { kind: 'account' }) | undefined
  for (const cluster of all) {
    const rows = cluster.groups.filter(shown)
    if (rows.length === 0) continue
    if (account?.account !== cluster.account) out.push((account = { kind: 'account', account: cluster.account, asOf: 0, clusters: 0 }))
    account.clusters++
    out.push({ kind: 'cluster', cluster })
    for (const row of rows) {
      account.asOf = oldest(account.asOf, row.asOf)
      out.push({ kind: 'group', row, cluster })
    }
  }
  return out
}

const oldest = (a: number, b: number | null | undefined): number => (!b ? a : a ? Math.min(a, b) : b)

export const itemKey = (i: Item): string => (i.kind === 'account' ? `a ${i.account}` : i.kind === 'cluster' ? `c ${i.cluster.key}` : `g ${refOf(i.row)}`)
