// What is said of accounts, and how a Kubernetes account is made from a form. Pure.
import type { Schemas } from '~/api/client'
import { ago } from '~/kit/time'

export type Account = Schemas['AccountView']
type Settings = Record<string, unknown>

/** sentence begins a text with a capital, unless it begins with a command. */
export const sentence = (text: string) => (text.startsWith('gennaker ') ? text : text.slice(0, 1).toUpperCase() + text.slice(1))

/** standing is how an account goes: a status, and a sentence. now is in milliseconds. */
export function standing(a: Pick<Account, 'state' | 'cloudProvider'>, now: number): { status: string; says: string } {
  const { connected, reason, seenAt } = a.state
  if (connected) return reason ? { status: 'SUSPENDED', says: sentence(reason) } : { status: 'Up', says: a.cloudProvider === 'local' ? 'The node of this machine' : 'Connected' }
  if (reason === 'it is being connected') return { status: 'Starting', says: 'Connecting' }
  if (reason === 'its objects are being read for the first time') return { status: 'Starting', says: 'Reading its objects for the first time' }
  const why = reason ?? 'not connected'
  return { status: 'Down', says: seenAt ? `As of ${ago(now - seenAt)}: ${why}` : sentence(why) }
}

/** standingWords are what statuses of accounts are called. */
export const standingWords: Record<string, string> = { Up: 'connected', Starting: 'connecting', SUSPENDED: 'partly readable', Down: 'not connected' }

/** sources are who made an account, in words. */
export const sources: Record<string, string> = { builtin: 'built in', configuration: 'configuration file', stored: 'made here' }

export const ways = ['default', 'file', 'secret', 'pod'] as const

/** Way is how the server finds a cluster: its own kubeconfig, another one, a secret, or the pod that it runs in. */
export type Way = (typeof ways)[number]
export const scopes = ['all', 'only', 'but'] as const
export type Scope = (typeof scopes)[number]

/** AccountForm is what the form of a Kubernetes account shows; lists are texts. */
export type AccountForm = {
  name: string
  environment: string
  way: Way
  file: string
  secret: string
  context: string
  scope: Scope
  namespaces: string
  managed: boolean
  settleSeconds: string
}

export const emptyForm: AccountForm = { name: '', environment: '', way: 'default', file: '', secret: '', context: '', scope: 'all', namespaces: '', managed: false, settleSeconds: '' }

const texts = (v: unknown): string[] => (Array.isArray(v) ? v.map(String) : [])
const text = (v: unknown): string => (v === undefined || v === null ? '' : String(v))

/** formOf shows the settings of an account. */
export function formOf(s: Settings): AccountForm {
  const only = texts(s.namespaces)
  const but = texts(s.omitNamespaces)
  return {
    name: text(s.name),
    environment: text(s.environment),
    way: s.serviceAccount === true ? 'pod' : s.kubeconfigContents ? 'secret' : s.kubeconfigFile ? 'file' : 'default',
    file: text(s.kubeconfigFile),
    secret: text(s.kubeconfigContents),
    context: text(s.context),
    scope: only.length > 0 ? 'only' : but.length > 0 ? 'but' : 'all',
    namespaces: (only.length > 0 ? only : but).join(', '),
    managed: s.onlySpinnakerManaged === true,
    settleSeconds: text(s.settleSeconds),
  }
}

/** words takes a list apart that was typed with commas, spaces or lines. */
export const words = (list: string) => list.split(/[\s,]+/).filter(Boolean)

/** settingsOf writes a form into settings; what the form does not show stays as it was. */
export function settingsOf(f: AccountForm, before: Settings = {}): Settings {
  const list = words(f.namespaces)
  const written: Settings = {
    name: f.name.trim(),
    environment: f.environment.trim() || undefined,
    kubeconfigFile: (f.way === 'file' && f.file.trim()) || undefined,
    kubeconfigContents: (f.way === 'secret' && f.secret.trim()) || undefined,
    serviceAccount: f.way === 'pod' || undefined,
    context: (f.way !== 'pod' && f.context.trim()) || undefined,
    namespaces: f.scope === 'only' && list.length > 0 ? list : undefined,
    omitNamespaces: f.scope === 'but' && list.length > 0 ? list : undefined,
    onlySpinnakerManaged: f.managed || undefined,
    settleSeconds: f.settleSeconds.trim() ? Number(f.settleSeconds) : undefined,
  }
  return Object.fromEntries(Object.entries({ ...before, ...written }).filter(([, v]) => v !== undefined))
}

/** problemsOf says what is wrong with a form, by its fields, before the server is asked. Source: docs/reference/config.md. */
export function problemsOf(f: AccountForm, taken: string[]): Partial<Record<keyof AccountForm, string>> {
  const out: Partial<Record<keyof AccountForm, string>> = {}
  if (f.name && !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(f.name)) out.name = 'Lower case letters, digits and dashes, as prod-1; at most 63.'
  else if (taken.includes(f.name)) out.name = 'There is an account of this name.'
  if (f.way === 'file' && f.file && !f.file.startsWith('/') && !f.file.startsWith('~')) out.file = 'A path on the server that begins with /.'
  if (f.way === 'secret' && f.secret && !/^(env:.|file:\/)/.test(f.secret)) out.secret = 'env:NAME or file:/path: credentials are not kept here.'
  if (f.scope !== 'all' && words(f.namespaces).length === 0) out.namespaces = 'Name at least one.'
  if (f.settleSeconds && !(Number(f.settleSeconds) >= 0)) out.settleSeconds = 'A number of seconds.'
  return out
}

/** isComplete tells whether a form says all that is needed. */
export const isComplete = (f: AccountForm) => f.name !== '' && (f.way !== 'file' || f.file !== '') && (f.way !== 'secret' || f.secret !== '')

/** missingOf groups what an account may not do by what it is about: a resource, and its verbs in namespaces. */
export function missingOf(missing: Schemas['AccountOperation'][]): { resource: string; verbs: string; where: string }[] {
  const rows = new Map<string, { resource: string; verbs: string; where: string }>()
  for (const m of missing) {
    const resource = m.apiGroup ? `${m.resource}.${m.apiGroup}` : m.resource
    const verbs = m.verbs.join(', ')
    const key = `${resource} ${verbs}`
    const row = rows.get(key)
    if (row) row.where = `${row.where}, ${m.namespace ?? 'everywhere'}`
    else rows.set(key, { resource, verbs, where: m.namespace ?? 'everywhere' })
  }
  return [...rows.values()]
}
