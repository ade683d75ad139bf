// Attributes of applications: what users change of them, and how saves differ. Pure.
import { personOf } from '~/api/operate'

export type Attributes = Record<string, unknown>

/** kept are the attributes that the server writes. */
const kept = new Set(['name', 'createTs', 'updateTs', 'lastModifiedBy', 'user', 'accounts', 'clusters'])

/** editable returns the attributes that users change. */
export const editable = (a: Attributes): Attributes => Object.fromEntries(Object.entries(a).filter(([k]) => !kept.has(k)))

/** inOrder writes attributes as text in an order that does not depend on who wrote them. */
export const inOrder = (a: Attributes): string => JSON.stringify(sorted(editable(a)), null, 2)

function sorted(v: unknown): unknown {
  if (Array.isArray(v)) return v.map(sorted)
  if (typeof v !== 'object' || v === null) return v
  return Object.fromEntries(
    Object.entries(v)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, x]) => [k, sorted(x)]),
  )
}

const same = (a: unknown, b: unknown) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))

/** changes are the attributes that differ; null takes one away, as updateApplication reads it. */
export function changes(before: Attributes, after: Attributes): Attributes {
  const a = editable(before)
  const b = editable(after)
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return Object.fromEntries([...names].sort().flatMap((k) => (same(a[k], b[k]) ? [] : [[k, b[k] ?? null]])))
}

/** merged are attributes with changes, as the server merges them. */
export const merged = (a: Attributes, c: Attributes): Attributes => Object.fromEntries(Object.entries({ ...a, ...c }).filter(([, v]) => v !== null))

/** parse reads attributes that were typed, or says what is wrong with them. */
export function parse(text: string): { attributes: Attributes } | { wrong: string } {
  try {
    const v: unknown = JSON.parse(text)
    if (typeof v !== 'object' || v === null || Array.isArray(v)) return { wrong: 'Attributes are an object: { … }.' }
    return { attributes: v as Attributes }
  } catch (e) {
    return { wrong: e instanceof Error ? e.message : String(e) }
  }
}

/** providersOf reads cloudProviders, which is a list or a text with commas. */
export const providersOf = (a: Attributes): string[] =>
  (Array.isArray(a.cloudProviders) ? a.cloudProviders.map(String) : String(a.cloudProviders ?? '').split(',')).map((p) => p.trim()).filter(Boolean)

/** Guard is a traffic guard as it is written; "*" is any. Source: strategy/guard.go. */
export type Guard = { account: string; location: string; stack: string; detail: string; enabled?: boolean }

/** guardsOf reads the traffic guards; undefined is a list that cannot be read, and so protects everything. */
export function guardsOf(a: Attributes): Guard[] | undefined {
  const v = a.trafficGuards
  if (v === undefined || v === null) return []
  if (!Array.isArray(v)) return undefined
  return v.map((g: Partial<Guard>) => ({ ...g, account: g.account ?? '', location: g.location ?? '', stack: g.stack ?? '', detail: g.detail ?? '' }))
}

/** Save is one of an application's saves, with what it changed. */
export type Save = { ts: string; by: string; at: number; attributes: Attributes; before: Attributes | undefined; changed: string[] }

/** savesOf reads a history, newest first; the first save changed everything that it has. */
export function savesOf(history: Attributes[]): Save[] {
  return history.map((attributes, i) => {
    const before = history[i + 1]
    const ts = String(attributes.updateTs ?? '')
    return { ts, at: Number(ts), by: personOf(attributes.lastModifiedBy), attributes, before, changed: Object.keys(changes(before ?? {}, attributes)) }
  })
}
