// Filters with counts. The counts of a facet are of what the other facets leave,
// so that each says what choosing it would show.
import { chosen, type FacetName, type FacetSearch } from './search'

/** Faceted is something with the values of its facets, and the text that is searched. */
export type Faceted<T> = { item: T; facets: Partial<Record<FacetName, string>>; text: string }

export type Value = { value: string; count: number; on: boolean }
export type Facet = { name: FacetName; values: Value[] }

/** narrow returns what an address leaves, and the facets with their counts, in the order of names. */
export function narrow<T>(all: Faceted<T>[], search: FacetSearch, names: readonly FacetName[]): { items: T[]; facets: Facet[] } {
  const words = (search.q ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  const wanted = names.map((name) => ({ name, values: new Set(chosen(search, name)) }))
  const counts = names.map(() => new Map<string, number>())
  const items: T[] = []
  for (const it of all) {
    if (!words.every((w) => it.text.includes(w))) continue
    const misses = wanted.flatMap((w, i) => (w.values.size > 0 && !w.values.has(it.facets[w.name] ?? '') ? [i] : []))
    if (misses.length === 0) items.push(it.item)
    if (misses.length > 1) continue
    names.forEach((name, i) => {
      const value = it.facets[name]
      if (value && (misses.length === 0 || misses[0] === i)) counts[i]?.set(value, (counts[i].get(value) ?? 0) + 1)
    })
  }
  const facets = names.map((name, i) => {
    const on = wanted[i]?.values ?? new Set<string>()
    const values = [...new Set([...(counts[i]?.keys() ?? []), ...on])].sort((a, b) => a.localeCompare(b))
    return { name, values: values.map((value) => ({ value, count: counts[i]?.get(value) ?? 0, on: on.has(value) })) }
  })
  return { items, facets }
}

/** active counts the filters of an address. */
export const active = (search: FacetSearch, names: readonly FacetName[]): number => names.reduce((n, name) => n + chosen(search, name).length, search.q ? 1 : 0)
