// A pipeline as it is edited: a JSON object. Every edit is a function from one to
// the next; what an edit is not about stays as it is, in the order of its keys.
import type { Path } from './path'

export type Json = null | boolean | number | string | Json[] | Doc
export type Doc = { [key: string]: Json }

export const isObject = (v: unknown): v is Doc => typeof v === 'object' && v !== null && !Array.isArray(v)

/** get returns what stands at a path. */
export function get(doc: Json | undefined, path: Path): Json | undefined {
  return path.reduce<Json | undefined>((at, key) => {
    if (Array.isArray(at)) return at[Number(key)]
    return isObject(at) ? at[key] : undefined
  }, doc)
}

/** set puts a value at a path, and makes what is missing on the way; undefined takes it away. */
export function set<T extends Json>(doc: T, path: Path, value: Json | undefined): T {
  if (value === undefined && get(doc, path) === undefined) return doc
  return put(doc, path, value) as T
}

function put(at: Json | undefined, path: Path, value: Json | undefined): Json | undefined {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (Array.isArray(at) || (at === undefined && typeof key === 'number')) {
    const list = Array.isArray(at) ? [...at] : []
    const next = put(list[Number(key)], rest, value)
    if (next === undefined) list.splice(Number(key), 1)
    else list[Number(key)] = next
    return list
  }
  const was = isObject(at) ? at : {}
  const next = put(was[key], rest, value)
  if (next !== undefined) return { ...was, [key]: next }
  const { [key]: _, ...left } = was
  return left
}

/** move puts the entry of a list somewhere else in it. */
export function move(doc: Doc, list: Path, from: number, to: number): Doc {
  const was = get(doc, list)
  if (!Array.isArray(was) || from < 0 || to < 0 || from >= was.length || to >= was.length) return doc
  const next = [...was]
  next.splice(to, 0, ...next.splice(from, 1))
  return set(doc, list, next)
}

/** rename gives a key another name in its place. A name that is taken changes nothing. */
export function rename(of: Doc, from: string, to: string): Doc {
  if (from === to || to in of || !(from in of)) return of
  return Object.fromEntries(Object.entries(of).map(([k, v]) => [k === from ? to : k, v]))
}

export type Stage = Doc & { refId?: Json; type?: Json; name?: Json; requisiteStageRefIds?: Json }

/** stagesOf returns the stages that are objects, each with its place in the list. */
export function stagesOf(doc: Doc): { stage: Stage; index: number; refId: string }[] {
  const list = Array.isArray(doc.stages) ? doc.stages : []
  return list.flatMap((stage, index) => (isObject(stage) ? [{ stage, index, refId: String(stage.refId ?? `#${index + 1}`) }] : []))
}

export const requires = (stage: Stage): string[] => (Array.isArray(stage.requisiteStageRefIds) ? stage.requisiteStageRefIds.map(String) : [])

export function indexOf(doc: Doc, refId: string): number {
  return stagesOf(doc).find((s) => s.refId === refId)?.index ?? -1
}

/** nextRef returns the least number that is no stage's refId yet. */
export function nextRef(doc: Doc): string {
  const taken = new Set(stagesOf(doc).map((s) => s.refId))
  let n = 1
  while (taken.has(String(n))) n++
  return String(n)
}

/** addStage adds a stage behind another one, or as the first of a branch. It returns its refId too. */
export function addStage(doc: Doc, fields: Doc, behind: string | undefined): { doc: Doc; refId: string } {
  const refId = nextRef(doc)
  const stage: Doc = { refId, requisiteStageRefIds: behind === undefined ? [] : [behind], ...fields }
  return { doc: { ...doc, stages: [...(Array.isArray(doc.stages) ? doc.stages : []), stage] }, refId }
}

/** removeStage takes a stage away; those behind it come behind those that were before it. */
export function removeStage(doc: Doc, refId: string): Doc {
  const at = indexOf(doc, refId)
  if (at < 0 || !Array.isArray(doc.stages)) return doc
  const before = requires(doc.stages[at] as Stage)
  const stages = doc.stages
    .filter((_, i) => i !== at)
    .map((s) => {
      if (!isObject(s) || !requires(s).includes(refId)) return s
      return { ...s, requisiteStageRefIds: [...new Set(requires(s).flatMap((r) => (r === refId ? before : [r])))] }
    })
  return { ...doc, stages }
}

/** duplicateStage puts a copy of a stage beside it. */
export function duplicateStage(doc: Doc, refId: string): { doc: Doc; refId: string } {
  const at = indexOf(doc, refId)
  if (at < 0 || !Array.isArray(doc.stages)) return { doc, refId }
  const was = doc.stages[at] as Stage
  const made = nextRef(doc)
  const copy: Doc = { ...structuredClone(was), refId: made, name: `${String(was.name ?? was.type ?? 'Stage')} (copy)` }
  return { doc: { ...doc, stages: [...doc.stages.slice(0, at + 1), copy, ...doc.stages.slice(at + 1)] }, refId: made }
}

/** ancestors returns the refIds of the stages that end before one begins. */
export function ancestors(doc: Doc, refId: string): Set<string> {
  const before = new Map(stagesOf(doc).map((s) => [s.refId, requires(s.stage)]))
  const out = new Set<string>()
  const open = [...(before.get(refId) ?? [])]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (out.has(next) || !before.has(next)) continue
    out.add(next)
    open.push(...(before.get(next) ?? []))
  }
  return out
}

/** mayRequire returns the refIds that a stage may wait for without waiting for itself. */
export function mayRequire(doc: Doc, refId: string): string[] {
  const all = stagesOf(doc)
  const behind = new Set(all.filter((s) => ancestors(doc, s.refId).has(refId)).map((s) => s.refId))
  return all.map((s) => s.refId).filter((r) => r !== refId && !behind.has(r))
}

/** connect makes a stage wait for another one, or no longer. */
export function connect(doc: Doc, refId: string, to: string, on: boolean): Doc {
  const at = indexOf(doc, refId)
  if (at < 0) return doc
  const now = requires((doc.stages as Json[])[at] as Stage).filter((r) => r !== to)
  return set(doc, ['stages', at, 'requisiteStageRefIds'], on ? [...now, to] : now)
}

/** renameRef gives a stage another refId, here and where others wait for it. */
export function renameRef(doc: Doc, from: string, to: string): Doc {
  if (from === to || to.trim() === '' || indexOf(doc, to) >= 0 || !Array.isArray(doc.stages)) return doc
  const stages = doc.stages.map((s) => {
    if (!isObject(s)) return s
    const next = String(s.refId) === from ? { ...s, refId: to } : s
    return requires(next).includes(from) ? { ...next, requisiteStageRefIds: requires(next).map((r) => (r === from ? to : r)) } : next
  })
  return { ...doc, stages }
}

/** What a save writes by itself: it is no part of what is edited. */
const bookkeeping = ['lastModified', 'lastModifiedBy', 'updateTs', 'index'] as const

/** edited returns the part of a stored document that people write. */
export function edited(stored: Doc): Doc {
  return Object.fromEntries(Object.entries(stored).filter(([k]) => !bookkeeping.some((b) => b === k)))
}

/** same reports whether two documents say the same, in whatever order. */
export function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((v, i) => same(v, b[i]))
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((k) => k in b && same(a[k], b[k]))
}
