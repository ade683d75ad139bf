// What the addresses of the fleet's pages say. Several values of a facet stand
// in one text, with commas between.
import { pick, text } from '~/kit/search'
import { actionNames, type Action } from './operations'

export const facetNames = ['account', 'region', 'cluster', 'stack', 'detail', 'status', 'provider', 'kind'] as const
export type FacetName = (typeof facetNames)[number]

export const paneTabs = ['overview', 'instances', 'lineage', 'events', 'logs'] as const
export type PaneTab = (typeof paneTabs)[number]

export type FacetSearch = { q?: string } & { [K in FacetName]?: string }

export type FleetSearch = FacetSearch & {
  /** The server group whose details are open: account/region/name. */
  sg?: string
  /** The instance of it. */
  in?: string
  tab?: PaneTab
  /** What is to be done with the server group: it is asked for. */
  do?: Action
}

export type NetworkSearch = FacetSearch & {
  /** The load balancer whose details are open: account/region/name. */
  lb?: string
  /** The firewall whose details are open: account/region/name. */
  fw?: string
}

function facetSearch(raw: Record<string, unknown>): FacetSearch {
  return defined({ q: text(raw.q), ...Object.fromEntries(facetNames.map((n) => [n, text(raw[n])])) })
}

function defined<T extends object>(of: T): T {
  return Object.fromEntries(Object.entries(of).filter(([, v]) => v !== undefined)) as T
}

export function fleetSearch(raw: Record<string, unknown>): FleetSearch {
  const tab = pick(paneTabs, raw.tab)
  const action = pick(actionNames, raw.do)
  return defined({ ...facetSearch(raw), sg: text(raw.sg), in: text(raw.in), tab, do: action })
}

export function networkSearch(raw: Record<string, unknown>): NetworkSearch {
  return defined({ ...facetSearch(raw), lb: text(raw.lb), fw: text(raw.fw) })
}

/** chosen returns the values of a facet in an address. */
export const chosen = (s: FacetSearch, name: FacetName): string[] => s[name]?.split(',').filter(Boolean) ?? []

/** toggled returns the address with a value of a facet chosen, or not any more. */
export function toggled<S extends FacetSearch>(s: S, name: FacetName, value: string): S {
  const was = chosen(s, name)
  const now = was.includes(value) ? was.filter((v) => v !== value) : [...was, value]
  return defined({ ...s, [name]: now.join(',') || undefined })
}

/** cleared returns the address without filters. */
export function cleared<S extends FacetSearch>(s: S): S {
  return defined({ ...s, q: undefined, ...Object.fromEntries(facetNames.map((n) => [n, undefined])) })
}
