// Which applications the list shows, and in which order. Pure.
import type { Schemas } from '~/api/client'
import { toneOf } from '~/kit/status'
import type { ApplicationsSearch, Order, State } from './search'

export type Row = Schemas['ApplicationRow']
type Counts = Row['health']

/** lastResult is how the newest run that ended did. */
export function lastResult(row: Pick<Row, 'runs'>): string | undefined {
  return row.runs.findLast((r) => r.endTime)?.status
}

/** healthOf is the status of instances together: the worst counts. */
export function healthOf(c: Counts): string {
  if (c.down + c.failed > 0) return 'down'
  if (c.starting > 0) return 'starting'
  if (c.unknown > 0) return 'unknown'
  if (c.up > 0) return 'up'
  return c.outOfService > 0 ? 'disabled' : 'empty'
}

const is: Record<State, (row: Row, stars: ReadonlySet<string>) => boolean> = {
  running: (r) => r.running > 0,
  waiting: (r) => r.waiting > 0,
  failed: (r) => toneOf(lastResult(r) ?? 'NOT_STARTED') === 'bad',
  unhealthy: (r) => healthOf(r.health) === 'down',
  starred: (r, stars) => stars.has(r.name),
}

const compare: Record<Order, (a: Row, b: Row) => number> = {
  name: () => 0,
  deployed: (a, b) => (b.lastDeployment ?? 0) - (a.lastDeployment ?? 0),
  active: (a, b) => b.waiting - a.waiting || b.running - a.running || lastStart(b) - lastStart(a),
  size: (a, b) => b.health.total - a.health.total,
}

const lastStart = (r: Row) => r.runs.at(-1)?.buildTime ?? 0

/** matches tells whether every word of q is in what describes the row. */
function matches(row: Row, q: string): boolean {
  const where = `${row.name} ${row.email ?? ''} ${row.description ?? ''} ${row.accounts.join(' ')}`.toLowerCase()
  return q
    .toLowerCase()
    .split(/\s+/)
    .every((word) => where.includes(word))
}

/** shown returns the rows that are asked for: those with a star first, each part in its order. */
export function shown(rows: Row[], search: ApplicationsSearch, stars: ReadonlySet<string>): Row[] {
  const wanted = rows.filter((r) => (!search.q || matches(r, search.q)) && (!search.account || r.accounts.includes(search.account)) && (!search.state || is[search.state](r, stars)))
  const order = compare[search.order ?? 'name']
  return wanted.sort((a, b) => Number(stars.has(b.name)) - Number(stars.has(a.name)) || order(a, b) || (a.name < b.name ? -1 : 1))
}

/** countStates counts the rows of each state. */
export function countStates(rows: Row[], stars: ReadonlySet<string>): Record<State, number> {
  const out = { running: 0, waiting: 0, failed: 0, unhealthy: 0, starred: 0 }
  for (const row of rows) for (const state of Object.keys(is) as State[]) if (is[state](row, stars)) out[state]++
  return out
}

/** accountsOf are the accounts in which applications run. */
export const accountsOf = (rows: Row[]) => [...new Set(rows.flatMap((r) => r.accounts))].sort()
