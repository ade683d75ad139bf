// Keeps what is shown true: an event makes what it is about dirty, and what is
// dirty and on the page is asked for again, at most once at a time.
import type { QueryClient, QueryKey } from '@tanstack/react-query'
import type { Feed, ServerEvent } from './events'

/** How long changes are collected before the server is asked, in milliseconds. */
const collect = 40

/**
 * Keys of what is asked for, by what it is about. An event's keys are prefixes
 * of the queries that it makes dirty.
 */
export const keys = {
  applications: ['applications'] as const,
  application: (app: string) => ['application', app] as const,
  documents: (app: string) => ['application', app, 'documents'] as const,
  fleet: (app: string) => ['application', app, 'fleet'] as const,
  executions: (app: string) => ['application', app, 'executions'] as const,
  execution: (id: string) => ['execution', id] as const,
  accounts: ['accounts'] as const,
  server: ['server'] as const,
}

/** dirtied says which keys an event makes dirty. Pure. */
export function dirtied(e: ServerEvent): QueryKey[] {
  const app = e.application?.toLowerCase() ?? ''
  switch (e.type) {
    case 'execution': {
      const out: QueryKey[] = []
      if (e.execution) out.push(keys.execution(e.execution))
      // Lists show executions and their stages, not their tasks.
      if (!e.task && app) out.push(keys.executions(app))
      if (!e.task && !e.stage) out.push(keys.applications)
      return out
    }
    case 'serverGroup':
    case 'loadBalancer':
      return app ? [keys.fleet(app), keys.applications] : [keys.applications]
    case 'document':
      return app ? [keys.documents(app), keys.applications] : [keys.applications]
    case 'account':
      // What is in it belongs to applications that the event does not name.
      return [keys.accounts, ['application'], keys.applications]
    case 'reset':
      return [[]]
    default:
      return []
  }
}

/**
 * Dirt collects keys and cleans them: after a moment each is refreshed, and one
 * that gets dirty while it is being refreshed is refreshed again afterwards.
 */
export class Dirt {
  private dirty = new Map<string, QueryKey>()
  private busy = new Set<string>()
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    private readonly refresh: (key: QueryKey) => Promise<unknown>,
    /** How far apart refreshes of a key are at least; one that takes long is followed by a pause as long. 0 is as they come. */
    private readonly apart: (key: QueryKey) => number = () => 0,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** When a key may be refreshed again. */
  private again = new Map<string, number>()

  add(key: QueryKey) {
    this.dirty.set(JSON.stringify(key), key)
    this.schedule(collect)
  }

  private schedule(ms: number) {
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      this.clean()
    }, ms)
  }

  private clean() {
    let wait = Infinity
    for (const [name, key] of this.dirty) {
      if (this.busy.has(name)) continue
      const early = (this.again.get(name) ?? -Infinity) - this.now()
      if (early > 0) {
        wait = Math.min(wait, early)
        continue
      }
      this.dirty.delete(name)
      this.busy.add(name)
      const began = this.now()
      void this.refresh(key)
        .catch(() => {})
        .finally(() => {
          this.busy.delete(name)
          const apart = this.apart(key)
          const now = this.now()
          if (apart > 0) this.again.set(name, now + Math.max(apart, now - began))
          if (this.dirty.has(name)) this.schedule(collect)
        })
    }
    if (wait < Infinity) this.schedule(wait)
  }
}

/** apart is how far apart reads of what a key stands for are at least, in milliseconds. */
function apart(key: QueryKey): number {
  // Lists of everything are dear, and nobody reads them that fast.
  if (key[0] === 'applications' || key.length === 0) return 1_000
  // What an event tells of an execution its page shows without a read.
  if (key[0] === 'execution') return 300
  return key[2] === 'executions' || key[2] === 'fleet' ? 100 : 0
}

/** keepLive connects the events of a feed with what was asked for. */
export function keepLive(feed: Feed, client: QueryClient): () => void {
  let once = false
  const dirt = new Dirt(
    (key) => client.invalidateQueries({ queryKey: key }, { cancelRefetch: false }),
    apart,
  )
  const leave = [
    feed.listen((e) => dirtied(e).forEach((k) => dirt.add(k))),
    // What was asked for before the stream began may have changed since, and what failed while it was cut off may not fail now.
    feed.onLink(() => {
      if (feed.link === 'live') void client.refetchQueries({ type: 'active', predicate: (q) => q.state.status === 'error' || q.state.fetchFailureCount > 0 || (!once && q.state.dataUpdatedAt > 0) })
      once ||= feed.link === 'live'
    }),
  ]
  return () => leave.forEach((f) => f())
}
