// What an application may be called. Source: application.go.

const everywhere = /^[a-zA-Z0-9._-]+$/
const most = 250

/** rules are what cloud providers allow, by their names, each with what to say. */
const rules: Record<string, { pattern: RegExp; most: number; says: string }> = {
  kubernetes: { pattern: /^[a-zA-Z][a-zA-Z0-9-]*$/, most: 63, says: 'In Kubernetes it begins with a letter, holds letters, digits and dashes, and has at most 63 characters.' },
}

/** nameProblem says what is wrong with a name, if anything is. Pure. */
export function nameProblem(name: string, providers: string[], taken: (name: string) => boolean): string | undefined {
  if (name === '') return undefined
  if (!everywhere.test(name)) return 'It may only hold letters, digits, dots, dashes and underscores.'
  if (name.length > most) return `It may have at most ${most} characters.`
  for (const p of providers) {
    const rule = rules[p]
    if (rule && (name.length > rule.most || !rule.pattern.test(name))) return rule.says
  }
  if (taken(name.toLowerCase())) return 'There is an application of this name.'
  return undefined
}

/** dashNote warns of a name that this machine's names would take apart. Pure. */
export function dashNote(name: string, providers: string[]): string | undefined {
  const dash = name.indexOf('-')
  if (dash < 0 || !providers.includes('local')) return undefined
  return `Server groups of this machine are named application-stack-detail: those of “${name}” would be taken for “${name.slice(0, dash)}”. Better without a dash.`
}
