// What the figures of the server mean. Pure.
import type { Schemas } from '~/api/client'
import { standing } from './account'

/** bytes writes a number of bytes as people say it. */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  while (n >= 1000 && unit < units.length - 1) {
    n /= 1000
    unit++
  }
  return `${unit === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[unit]}`
}

export type Finding = { tone: 'bad' | 'wait'; says: string; hint?: string; to?: '/accounts' }

type Known = {
  health?: Schemas['HealthBody']
  server?: Pick<Schemas['ServerBody'], 'version' | 'executions' | 'database'>
  node?: Pick<Schemas['NodeBody'], 'state' | 'reason' | 'version' | 'problems'>
  accounts?: Pick<Schemas['AccountView'], 'name' | 'cloudProvider' | 'state'>[]
}

/** A write-ahead log that is larger than this is not being written back, in bytes. */
const largeLog = 256e6

const list = new Intl.ListFormat('en-GB')

/** findings say what is wrong, worst first; none is that all is well. */
export function findings({ health, server, node, accounts }: Known): Finding[] {
  const out: Finding[] = []
  if (health && health.status !== 'UP') out.push({ tone: 'bad', says: `The server cannot do its work: ${health.reasons?.join('; ') || 'it does not say why'}.` })
  if (node && node.state === 'DOWN') out.push({ tone: 'bad', says: `The node of this machine is down: ${node.reason || 'it does not answer'}.`, hint: 'What it started goes on. The server starts it again; gennaker node status says more.' })
  for (const problem of node?.problems ?? []) out.push({ tone: 'wait', says: `The node could not read something: ${problem}.` })
  if (server && node?.version && node.version !== server.version) out.push({ tone: 'wait', says: `The node is version ${node.version}, the server ${server.version}.`, hint: 'Stop the node; the server starts one of its own version, and instances go on.' })
  const lost = accounts?.filter((a) => standing(a, 0).status === 'Down').map((a) => a.name) ?? []
  if (lost.length > 0) out.push({ tone: 'wait', says: `${list.format(lost)} ${lost.length === 1 ? 'is' : 'are'} not connected; what is shown of ${lost.length === 1 ? 'it' : 'them'} is old.`, to: '/accounts' })
  if (server && server.executions.paused > 0) out.push({ tone: 'wait', says: `${server.executions.paused} ${server.executions.paused === 1 ? 'execution is' : 'executions are'} paused, until somebody lets them go on.` })
  if (server && server.database.walBytes > largeLog) out.push({ tone: 'wait', says: `${bytes(server.database.walBytes)} of the database are not in its file yet.`, hint: 'Something reads it for very long, as a backup.' })
  return out.sort((a, b) => Number(b.tone === 'bad') - Number(a.tone === 'bad'))
}
