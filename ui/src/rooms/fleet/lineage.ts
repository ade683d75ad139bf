// Where the versions of a cluster come from: who deployed each, what and why, and
// what became of it.
import type { Execution, Stage } from '~/api/queries'
import { personOf } from '~/kit/person'
import { bare, type Row } from './model'
import { isTask } from './running'

export type Origin = {
  execution: string
  /** It was an operation, and no pipeline. */
  task: boolean
  pipeline: string
  status: string
  user: string
  /** What started it, in words. */
  why: string
  at?: number
  /** Why it failed, if it did. */
  failure?: string
}

export type Version = { name: string; region: string; number?: number; artifact?: string; /** what is there now; nothing if it is gone */ row?: Row; origin?: Origin }

type Created = { account: string; region: string; name: string; artifact?: string; execution: Execution }

const creators = new Set(['createServerGroup', 'cloneServerGroup', 'deployManifest'])

/** created returns the server groups that an execution made. */
export function created(e: Execution): Created[] {
  return e.stages.flatMap((s) => {
    if (!creators.has(s.type)) return []
    return s.type === 'deployManifest' ? ofManifests(e, s) : ofGroups(e, s)
  })
}

function ofGroups(execution: Execution, s: Stage): Created[] {
  const groups = values(s, 'deploy.server.groups') as Record<string, string[]> | undefined
  const account = String(values(s, 'deploy.account.name') ?? s.context.account ?? '')
  const artifact = (s.context.artifact as { reference?: string } | undefined)?.reference
  return Object.entries(groups ?? {}).flatMap(([region, names]) => (Array.isArray(names) ? names.map((name) => ({ account, region, name, artifact, execution })) : []))
}

type ManifestArtifact = { type?: string; name?: string; location?: string; version?: string; metadata?: { account?: string } }

function ofManifests(execution: Execution, s: Stage): Created[] {
  const artifacts = values(s, 'outputs.createdArtifacts')
  if (!Array.isArray(artifacts)) return []
  return (artifacts as ManifestArtifact[]).flatMap((a) => {
    const kind = a.type?.startsWith('kubernetes/') ? a.type.slice('kubernetes/'.length) : ''
    if (!kind || !a.name || !a.version) return []
    return [{ account: a.metadata?.account ?? String(s.context.account ?? ''), region: a.location ?? '', name: `${kind} ${a.name}-${a.version}`, execution }]
  })
}

const values = (s: Stage, key: string): unknown => (s.outputs as Record<string, unknown>)[key] ?? (s.context as Record<string, unknown>)[key]

/** numberOf reads the number at the end of a name: 12 of shop-v012. */
export function numberOf(name: string): number | undefined {
  const found = /-v(\d{3,})$/.exec(name)
  return found?.[1] === undefined ? undefined : Number(found[1])
}

/** clusterOf returns the name without the number. */
const clusterOf = (name: string): string => name.replace(/-v\d{3,}$/, '')

/** lineage lists the versions of a cluster in an account, newest first: those that are there, and those that executions tell of. */
export function lineage(cluster: { account: string; name: string }, rows: Row[], executions: Execution[]): Version[] {
  const out = new Map<string, Version>()
  const key = (region: string, name: string) => `${region}/${bare(name)}`
  for (const row of rows) {
    if (row.account !== cluster.account || row.cluster !== cluster.name) continue
    out.set(key(row.region, row.name), { name: row.name, region: row.region, number: row.version, artifact: row.images[0], row })
  }
  // Names come back when a cluster begins anew: the last that made one made what is there.
  for (const e of executions.toSorted((a, b) => (a.startTime ?? 0) - (b.startTime ?? 0)))
    for (const c of created(e)) {
      if (c.account !== cluster.account || bare(clusterOf(c.name)) !== bare(cluster.name)) continue
      const at = key(c.region, c.name)
      const was = out.get(at)
      out.set(at, { name: c.name, region: c.region, number: numberOf(c.name), artifact: c.artifact, ...was, origin: originOf(e) })
    }
  return [...out.values()].sort((a, b) => (b.number ?? 0) - (a.number ?? 0) || (b.row?.createdTime ?? b.origin?.at ?? 0) - (a.row?.createdTime ?? a.origin?.at ?? 0) || a.region.localeCompare(b.region))
}

function originOf(e: Execution): Origin {
  return {
    execution: e.id,
    task: isTask(e),
    pipeline: e.name || e.description || 'a task',
    status: e.status,
    user: userOf(e),
    why: whyOf(e),
    at: e.startTime ?? e.buildTime ?? undefined,
    failure: e.status === 'TERMINAL' ? failureIn(e) : undefined,
  }
}

/** userOf names who started an execution; nobody has to sign in. */
export function userOf(e: Pick<Execution, 'authentication' | 'trigger'>): string {
  return personOf(e.authentication?.user ?? e.trigger.user) ?? 'anonymous'
}

/** whyOf says what started an execution. */
export function whyOf(e: Pick<Execution, 'trigger'>): string {
  const parent = (e.trigger.parentExecution as { name?: string } | undefined)?.name
  const type = String(e.trigger.type ?? '')
  if (type === 'pipeline' && parent) return `by pipeline ${parent}`
  return type === 'manual' || type === '' ? 'by hand' : `by ${type}`
}

/** failureIn returns the sentence that says why an execution failed. */
export function failureIn(e: Execution): string | undefined {
  for (const s of e.stages) {
    const exception = (s.context as { exception?: { details?: { error?: string; errors?: unknown[] } } }).exception
    const said = exception?.details?.errors?.map(String).filter(Boolean).join('; ') || exception?.details?.error
    if (said) return said
  }
  return undefined
}
