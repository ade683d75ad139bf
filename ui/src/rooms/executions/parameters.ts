// The form that asks for the parameters of a run, from a pipeline's
// parameterConfig. Pure.

/** Parameter is what is asked for. Source: Spinnaker's parameterConfig, as Deck reads it. */
export type Parameter = {
  name: string
  label: string
  description?: string
  required: boolean
  default: string
  /** What it may be; empty is anything. */
  options: string[]
  kind: 'text' | 'choice' | 'flag' | 'date'
  /** It is asked for only if another one has some value. */
  condition?: { parameter: string; comparator: string; value: string }
}

const record = (v: unknown): Record<string, unknown> => (typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : {})
const text = (v: unknown): string => (v === undefined || v === null ? '' : typeof v === 'string' ? v : JSON.stringify(v))

/** readParameters reads a parameterConfig; entries without a name are left out. */
export function readParameters(config: readonly Record<string, unknown>[]): Parameter[] {
  return config
    .filter((p) => text(p.name) !== '')
    .map((p) => {
      const options = p.hasOptions === true && Array.isArray(p.options) ? p.options.map((o) => text(record(o).value)) : []
      const condition = record(p.conditional ?? p.condition)
      const value = text(p.default)
      return {
        name: text(p.name),
        label: text(p.label) || text(p.name),
        description: text(p.description) || undefined,
        required: p.required === true,
        default: value,
        options,
        kind: options.length > 0 ? 'choice' : p.constraint === 'date' ? 'date' : value === 'true' || value === 'false' ? 'flag' : 'text',
        condition: text(condition.parameter) ? { parameter: text(condition.parameter), comparator: text(condition.comparator) || '=', value: text(condition.comparatorValue) } : undefined,
      }
    })
}

export type Values = Record<string, string>

/** beginWith returns the values to begin with: those of a run that is repeated, else the defaults. */
export function beginWith(parameters: readonly Parameter[], of: Record<string, unknown> = {}): Values {
  return Object.fromEntries(parameters.map((p) => [p.name, p.name in of ? text(of[p.name]) : p.kind === 'choice' && p.required && p.default === '' ? (p.options[0] ?? '') : p.default]))
}

/** asked returns the parameters whose condition holds. One on a parameter that is not asked for does not hold. */
export function asked(parameters: readonly Parameter[], values: Values): Parameter[] {
  const byName = new Map(parameters.map((p) => [p.name, p]))
  const holds = (p: Parameter, depth: number): boolean => {
    if (!p.condition) return true
    const on = byName.get(p.condition.parameter)
    if (!on || depth > parameters.length) return false
    return holds(on, depth + 1) && compare(values[on.name] ?? '', p.condition.comparator, p.condition.value)
  }
  return parameters.filter((p) => holds(p, 0))
}

/** compare compares as numbers where both are, else as texts. */
export function compare(a: string, comparator: string, b: string): boolean {
  const numbers = a.trim() !== '' && b.trim() !== '' && Number.isFinite(Number(a)) && Number.isFinite(Number(b))
  const order = numbers ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0
  switch (comparator) {
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '!=':
      return order !== 0
    default:
      return order === 0
  }
}

/** missing returns what is wrong with the values, by parameter. */
export function missing(shown: readonly Parameter[], values: Values): Record<string, string> {
  const out: Record<string, string> = {}
  for (const p of shown) {
    const value = values[p.name] ?? ''
    if (p.required && value.trim() === '') out[p.name] = 'Is required.'
    else if (p.kind === 'choice' && value !== '' && !p.options.includes(value)) out[p.name] = `Is none of the ${p.options.length} choices any more.`
  }
  return out
}

/** submitted returns what is sent: what is asked for, and what a repeated run had besides. */
export function submitted(parameters: readonly Parameter[], values: Values, besides: Record<string, unknown> = {}): Record<string, unknown> {
  const known = new Set(parameters.map((p) => p.name))
  const extra = Object.entries(besides).filter(([k]) => !known.has(k))
  return { ...Object.fromEntries(extra), ...Object.fromEntries(asked(parameters, values).map((p) => [p.name, values[p.name] ?? ''])) }
}

/** lastUsed returns the values that a parameter had in other runs, the newest first, each once. */
export function lastUsed(name: string, runs: readonly { trigger: Record<string, unknown> }[], most = 5): string[] {
  const seen = new Set<string>()
  for (const r of runs) {
    const value = text(record(r.trigger.parameters)[name])
    if (value !== '') seen.add(value)
    if (seen.size === most) break
  }
  return [...seen]
}

/** fieldOf finds the parameter that a refusal of the server is about. */
export function fieldOf(message: string, parameters: readonly Parameter[]): string | undefined {
  const named = /parameter "?([\w.-]+)"?/i.exec(message)?.[1]
  return parameters.find((p) => p.name === named)?.name
}
