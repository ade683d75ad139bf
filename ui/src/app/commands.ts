// What the palette offers, and in which order. Pure.
import type { Schemas } from '~/api/client'

export const groups = ['Recent', 'Here', 'Actions', 'Applications', 'Pipelines', 'Fleet', 'Executions', 'Pages', 'Theme'] as const
export type Group = (typeof groups)[number]

/** Act is what a command does that leads nowhere. */
export type Act = 'keys' | 'theme:system' | 'theme:light' | 'theme:dark' | 'theme:contrast'

/** Command is a line of the palette: it leads to a path of the pages, or does something. */
export type Command = { id: string; group: Group; label: string; hint?: string } & ({ to: string } | { act: Act })

const part = encodeURIComponent
const query = (of: Record<string, string>) => new URLSearchParams(of).toString()
/** appPath is the path of an application's pages. */
export const appPath = (app: string, rest = '') => `/applications/${part(app)}${rest}`
/** openGroup is the path of the details of a server group. */
const openGroup = (g: { application: string; account: string; region: string; name: string }, more: Record<string, string> = {}) =>
  appPath(g.application, `?${query({ sg: `${g.account}/${g.region}/${g.name}`, ...more })}`)

/** places are the pages that are always there. */
export function places(): Command[] {
  const to = (label: string, path: string, hint?: string): Command => ({ id: path, group: 'Pages', label, to: path, hint })
  const act = (label: string, a: Act): Command => ({ id: a, group: a === 'keys' ? 'Pages' : 'Theme', label, act: a })
  return [
    { id: 'new-application', group: 'Actions', label: 'New application', to: '/?new=true' },
    { id: 'new-account', group: 'Actions', label: 'Add a cluster', to: '/accounts?form=new' },
    to('Applications', '/'),
    to('Accounts', '/accounts'),
    to('Health', '/health', 'server and node'),
    to('Getting started', '/welcome', 'the first deployment, the demo'),
    act('Keyboard shortcuts', 'keys'),
    act('Theme: as the system', 'theme:system'),
    act('Theme: light', 'theme:light'),
    act('Theme: dark', 'theme:dark'),
    act('Theme: high contrast', 'theme:contrast'),
  ]
}

/** here are the pages of the application that one is in. */
export function here(app: string): Command[] {
  return [
    ['Fleet', ''],
    ['Pipelines and executions', '/pipelines'],
    ['Load balancers', '/network'],
    ['Tasks', '/tasks'],
    ['Settings', '/settings'],
  ].map(([label, path]) => ({ id: appPath(app, path), group: 'Here', label: `${app}: ${label}`, to: appPath(app, path) }))
}

export function ofApplications(rows: Pick<Schemas['ApplicationRow'], 'name' | 'description' | 'email'>[]): Command[] {
  return rows.map((r) => ({ id: appPath(r.name), group: 'Applications', label: r.name, hint: r.description || r.email, to: appPath(r.name) }))
}

/** ofPipelines are what can be done with pipelines: start, look at, edit. */
export function ofPipelines(rows: Pick<Schemas['PipelineRow'], 'id' | 'name' | 'application' | 'disabled'>[]): Command[] {
  return rows.flatMap((p) => {
    const runs = appPath(p.application, `/pipelines?${query({ name: p.name })}`)
    const start = appPath(p.application, `/pipelines?${query({ start: p.id })}`)
    const edit = appPath(p.application, `/pipelines/${part(p.id)}`)
    const all: Command[] = [
      { id: `pipeline ${p.id}`, group: 'Pipelines', label: p.name, hint: p.application, to: runs },
      { id: `start ${p.id}`, group: 'Actions', label: `Start ${p.name}`, hint: p.application, to: start },
      { id: `edit ${p.id}`, group: 'Pipelines', label: `Edit ${p.name}`, hint: p.application, to: edit },
    ]
    return p.disabled ? all.filter((c) => !c.id.startsWith('start')) : all
  })
}

export type Found = { type: string; name: string; application?: string; account?: string; region?: string; cluster?: string; serverGroup?: string }

/** ofFound are clusters, server groups and instances, with the rollback of each cluster's newest server group. */
export function ofFound(found: Found[]): Command[] {
  const newest = new Map<string, Found>()
  const out: Command[] = []
  for (const f of found) {
    const { application, account = '', region = '', name } = f
    if (!application) continue
    const hint = [application, account, region !== account && region].filter(Boolean).join(' · ')
    if (f.type === 'clusters') out.push({ id: `cluster ${account} ${name}`, group: 'Fleet', label: `Cluster ${name}`, hint, to: appPath(application, `?${query({ cluster: name, account })}`) })
    if (f.type === 'serverGroups') {
      out.push({ id: `group ${account} ${region} ${name}`, group: 'Fleet', label: name, hint, to: openGroup({ application, account, region, name }) })
      const key = `${account} ${region} ${f.cluster}`
      if (name > (newest.get(key)?.name ?? '')) newest.set(key, f)
    }
    if (f.type === 'instances' && f.serverGroup)
      out.push({ id: `instance ${account} ${name}`, group: 'Fleet', label: name, hint, to: openGroup({ application, account, region, name: f.serverGroup }, { tab: 'instances', in: name }) })
  }
  for (const { application = '', account = '', region = '', cluster = '', name } of newest.values())
    out.push({ id: `rollback ${account} ${region} ${cluster}`, group: 'Actions', label: `Roll back ${cluster}`, hint: `${application} · ${account} · from ${name}`, to: openGroup({ application, account, region, name }, { do: 'rollback' }) })
  return out
}

/** isExecutionID tells whether a text is the ID of an execution: a ULID. */
export const isExecutionID = (text: string) => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i.test(text.trim())

/** sought is what of a text the fleet is searched for: without the verb. */
export const sought = (text: string) =>
  text
    .trim()
    .replace(/^(roll(\s*back)?|start|edit|cluster)(\s+|$)/i, '')
    .trim()

const startsWord = (text: string, i: number) => i === 0 || /[^a-z0-9]/.test(text[i - 1] ?? '')

/** nextStart is the next word of text that begins with c, or -1. */
function nextStart(text: string, c: string, from: number): number {
  for (let i = text.indexOf(c, from); i >= 0; i = text.indexOf(c, i + 1)) if (startsWord(text, i)) return i
  return -1
}

/** scoreWord says how well a word fits a text, both in lower case: 0 is not at all. */
function scoreWord(text: string, word: string): number {
  const at = text.indexOf(word)
  if (at === 0) return word.length === text.length ? 100 : 90
  if (at > 0) return nextStart(text, word[0] ?? '', at) === at ? 80 : 28
  // Letters count at the beginning of words, and beside each other; those that are merely somewhere say nothing.
  let from = 0
  for (const c of word) {
    const i = text[from] === c ? from : nextStart(text, c, from)
    if (i < 0) return 0
    from = i + 1
  }
  return 35
}

/** score says how well a command fits what was typed: every word must fit its label, or less well its hint. */
export function score(c: Pick<Command, 'label' | 'hint'>, typed: string): number {
  const label = c.label.toLowerCase()
  const hint = c.hint?.toLowerCase() ?? ''
  let sum = 0
  for (const word of typed.toLowerCase().split(/\s+/).filter(Boolean)) {
    const got = Math.max(scoreWord(label, word), hint.includes(word) ? 30 : 0)
    if (got === 0) return 0
    sum += got
  }
  return sum - Math.min(10, label.length / 10)
}

const mostInGroup = 7

/** isOf tells whether a command is about the application that one is in: its hint begins with it. */
const isOf = (c: Command, app: string | undefined) => app !== undefined && c.hint?.split(' · ')[0] === app

/** offer returns what the palette shows: groups in the order of their best, each with its best. Of an application that one is in, its own things go before. */
export function offer(all: Command[], typed: string, recent: string[], app: string | undefined): { group: Group; commands: Command[] }[] {
  const seen = new Set<string>()
  const unique = all.filter((c) => !seen.has(c.id) && seen.add(c.id))
  const age = new Map(recent.map((id, i) => [id, i]))
  if (typed.trim() === '') {
    const before = unique.filter((c) => age.has(c.id)).sort((a, b) => age.get(a.id)! - age.get(b.id)!)
    const rest = unique.filter((c) => !age.has(c.id) && (['Here', 'Pages', 'Theme'].includes(c.group) || (c.group === 'Actions' && (!c.hint || isOf(c, app)))))
    rest.sort((a, b) => Number(isOf(b, app)) - Number(isOf(a, app)))
    return byGroup([...before.slice(0, mostInGroup).map((c): Command => ({ ...c, group: 'Recent' })), ...rest], 12).sort((a, b) => groups.indexOf(a.group) - groups.indexOf(b.group))
  }
  const scored = unique.flatMap((command) => {
    const s = score(command, typed)
    if (s <= 0) return []
    const own = command.group === 'Here' || isOf(command, app)
    return [{ command, score: s + (own ? 15 : 0) + (age.has(command.id) ? 10 : 0) }]
  })
  scored.sort((a, b) => b.score - a.score || a.command.label.localeCompare(b.command.label))
  return byGroup(
    scored.map((s) => s.command),
    mostInGroup,
  )
}

function byGroup(commands: Command[], most: number): { group: Group; commands: Command[] }[] {
  const out = new Map<Group, Command[]>()
  for (const c of commands) {
    const list = out.get(c.group) ?? []
    if (list.length < most) list.push(c)
    out.set(c.group, list)
  }
  return [...out].map(([group, list]) => ({ group, commands: list }))
}
