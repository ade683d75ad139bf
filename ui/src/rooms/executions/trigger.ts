// Why an execution began, and with what. Pure.
import type { Execution } from '~/api/queries'
import { personOf } from '~/kit/person'

export type Reason = {
  /** As "by hand", "by the pipeline Build". */
  text: string
  user?: string
  /** The execution that started it. */
  parent?: { id: string; application: string; name: string }
  dryRun: boolean
}

const str = (v: unknown): string | undefined => (typeof v === 'string' && v !== '' ? v : undefined)
const record = (v: unknown): Record<string, unknown> => (typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : {})

/** reasonOf says in words what triggered an execution. */
export function reasonOf(x: Execution): Reason {
  const t = x.trigger
  const user = str(t.user) ?? x.authentication?.user
  const parent = record(t.parentExecution)
  const from = str(parent.id)
  return {
    text: words(t),
    user: personOf(user),
    parent: from ? { id: from, application: str(parent.application) ?? x.application, name: str(parent.name) ?? 'another pipeline' } : undefined,
    dryRun: t.dryRun === true,
  }
}

function words(t: Record<string, unknown>): string {
  const type = str(t.type) ?? 'manual'
  switch (type) {
    case 'manual':
      return 'by hand'
    case 'pipeline':
      return `by ${str(record(t.parentExecution).name) ?? 'a pipeline'}`
    case 'cron':
      return `by the clock${str(t.cronExpression) ? ` (${str(t.cronExpression)})` : ''}`
    case 'git':
      return `by a push to ${[str(t.project), str(t.slug)].filter(Boolean).join('/') || 'git'}${str(t.branch) ? `, ${str(t.branch)}` : ''}`
    case 'docker':
      return `by the image ${str(t.repository) ?? ''}${str(t.tag) ? `:${str(t.tag)}` : ''}`
    case 'webhook':
      return `by the webhook ${str(t.source) ?? ''}`.trimEnd()
    case 'jenkins':
    case 'concourse':
    case 'travis':
      return `by the build ${str(t.job) ?? ''}${t.buildNumber !== undefined ? ` #${String(t.buildNumber)}` : ''}`
    default:
      return `by ${type}`
  }
}

/** parametersOf are the parameters that an execution began with, without those that are empty. */
export function parametersOf(x: Execution): [name: string, value: string][] {
  return Object.entries(record(x.trigger.parameters))
    .filter(([, v]) => v !== '' && v !== null && v !== undefined)
    .map(([k, v]) => [k, typeof v === 'string' ? v : JSON.stringify(v)])
}

/** inBrief are those to show in a line: plain values only. */
export function inBrief(x: Execution): [name: string, value: string][] {
  const plain = parametersOf(x).filter(([, v]) => !/^[{[]/.test(v))
  return [...plain, ...artifactsOf(x).map((a): [string, string] => ['artifact', artifactName(a)])]
}

/** inShort shortens a value to its telling end: of a path, that is the last part. */
export function inShort(value: string, most = 32): string {
  const last = value.includes('/') && !value.includes(' ') ? value.replace(/\/+$/, '').split('/').slice(-1)[0]! : value
  return last.length > most ? `${last.slice(0, most - 1)}…` : last
}

export type Artifact = { type?: string; name?: string; version?: string; reference?: string } & Record<string, unknown>

/** artifactsOf are those that an execution began with. */
export function artifactsOf(x: Execution): Artifact[] {
  return Array.isArray(x.trigger.artifacts) ? (x.trigger.artifacts as Artifact[]) : []
}

/** artifactName is what people call an artifact. */
export function artifactName(a: Artifact): string {
  const name = a.name || a.reference || a.type || 'artifact'
  return a.version && !name.includes(a.version) ? `${name}:${a.version}` : name
}
