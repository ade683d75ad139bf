// The stage types that there are, as the server describes them.
import type { Schemas } from '~/api/client'
import { fieldsOf, type Field } from './schema'

export type StageType = Schemas['StageType']

export type Catalog = {
  types: StageType[]
  /** What every stage may have. */
  common: Field[]
  /** find returns a type by its name, or another of its names. */
  find: (type: string) => StageType | undefined
}

export function catalogOf(body: { stages: StageType[]; common: Record<string, unknown> }): Catalog {
  const names = new Map(body.stages.flatMap((t) => [t.type, ...t.aliases].map((n) => [n, t] as const)))
  return { types: body.stages, common: fieldsOf(body.common), find: (type) => names.get(type) }
}

/** What people want most often; the others follow by name. */
const often = ['deploy', 'deployManifest', 'manualJudgment', 'wait', 'webhook', 'pipeline', 'checkPreconditions', 'evaluateVariables', 'runJob', 'bakeManifest']

/** search returns the types that have all words of a query, the best first. Pure. */
export function search(types: StageType[], query: string): StageType[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  const place = (t: StageType) => {
    const at = often.indexOf(t.type)
    const begins = words.length > 0 && t.type.toLowerCase().startsWith(words[0]!) ? -100 : 0
    return begins + (at < 0 ? often.length : at)
  }
  return types
    .filter((t) => words.every((w) => `${t.type} ${t.label} ${t.aliases.join(' ')} ${t.description ?? ''}`.toLowerCase().includes(w)))
    .toSorted((a, b) => place(a) - place(b) || a.label.localeCompare(b.label))
}
