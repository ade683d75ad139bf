// What a stage was given, and what it left: its context and outputs as lines of
// a table. Pure.
import { inRegions } from './failure'

export type Value = { name: string; text: string; long: boolean }

/** What the page shows elsewhere, or what is of use to the engine only. */
const hidden = new Set(['exception', 'expressionEvaluationSummary', 'instructions'])
const short = 160

/** valuesOf lists what is in an object by name; maps are taken apart once. */
export function valuesOf(of: Record<string, unknown>): Value[] {
  return Object.entries(of)
    .filter(([name, v]) => !hidden.has(name) && v !== null && v !== '' && !isEmpty(v))
    .flatMap(([name, v]): Value[] => (isFlat(v) ? Object.entries(v).map(([k, w]) => value(`${name}.${k}`, w)) : [value(name, v)]))
    .filter((v) => v.text !== '')
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function value(name: string, v: unknown): Value {
  const text = typeof v === 'string' ? v : isTexts(v) ? v.join(', ') : (JSON.stringify(v, null, 2) ?? '')
  return { name, text, long: text.length > short || text.includes('\n') }
}

const isEmpty = (v: unknown) => typeof v === 'object' && v !== null && Object.keys(v).length === 0
const isTexts = (v: unknown): v is string[] => Array.isArray(v) && v.every((x) => typeof x === 'string' || typeof x === 'number')
/** isFlat reports whether a map holds plain values only, few enough to be lines. */
const isFlat = (v: unknown): v is Record<string, unknown> =>
  typeof v === 'object' && v !== null && !Array.isArray(v) && Object.keys(v).length <= 6 && Object.values(v).every((x) => typeof x !== 'object' || isTexts(x))

/** jobLog returns what a job or a webhook of a stage answered, if it was kept. */
export function jobLog(of: Record<string, unknown>): { title: string; text: string } | undefined {
  const details = of.completionDetails as Record<string, unknown> | undefined
  for (const [title, v] of [
    ['Log', of.log],
    ['Log', details?.log],
    ['Values that the job wrote', of.propertyFileContents],
    ['Answer of the webhook', (of.webhook as Record<string, unknown> | undefined)?.body],
    ['Build', of.buildInfo],
  ] as const) {
    if (v !== undefined && v !== null && v !== '' && !isEmpty(v)) return { title, text: typeof v === 'string' ? v : JSON.stringify(v, null, 2) }
  }
  return undefined
}

export type Job = { account: string; location: string; name: string; /** Its newest pod, in a cluster. */ pod?: string }

/** jobOf returns the job that a stage runs, as soon as there is one. */
export function jobOf(context: Record<string, unknown>): Job | undefined {
  const [job] = inRegions(context['deploy.jobs'])
  const status = (context.jobStatus ?? {}) as Record<string, unknown>
  const account = [status.account, context.credentials, context.account].find((a) => typeof a === 'string' && a !== '')
  if (!job || typeof account !== 'string') return undefined
  return { account, location: job.region, name: job.name, ...(typeof status.mostRecentPodName === 'string' && { pod: status.mostRecentPodName }) }
}

/** manifestsOf names the resources that a stage applied, as "Deployment web in shop". */
export function manifestsOf(of: Record<string, unknown>): string[] {
  const list: unknown[] = Array.isArray(of.manifests) ? of.manifests : []
  return list.flatMap((m) => {
    const { kind, metadata } = (m ?? {}) as { kind?: unknown; metadata?: { name?: unknown; namespace?: unknown } }
    if (typeof kind !== 'string' || typeof metadata?.name !== 'string') return []
    return [`${kind} ${metadata.name}${typeof metadata.namespace === 'string' ? ` in ${metadata.namespace}` : ''}`]
  })
}
