// What expressions of a stage can name.
import { ancestors, isObject, stagesOf, type Doc } from './document'

export type Name = { expression: string; says: string }

/** scope lists what a stage can name: parameters, what started the pipeline, and the stages before it. Pure. */
export function scope(doc: Doc, refId: string | undefined): Name[] {
  const out: Name[] = []
  for (const p of Array.isArray(doc.parameterConfig) ? doc.parameterConfig : []) {
    if (isObject(p) && typeof p.name === 'string') out.push({ expression: `\${${member('parameters', p.name)}}`, says: String(p.label ?? p.description ?? 'parameter') })
  }
  out.push(
    { expression: '${execution.id}', says: 'this execution' },
    { expression: '${execution.name}', says: 'name of the pipeline' },
    { expression: '${trigger.type}', says: 'what started it' },
    { expression: '${trigger.user}', says: 'who started it' },
    { expression: '${trigger.artifacts}', says: 'artifacts that came with the start' },
  )
  const before = refId === undefined ? undefined : ancestors(doc, refId)
  for (const s of stagesOf(doc)) {
    if (before && !before.has(s.refId)) continue
    const name = typeof s.stage.name === 'string' ? s.stage.name : String(s.stage.type ?? '')
    if (name === '' || name.includes('${')) continue
    const quoted = `'${name.replaceAll("'", "''")}'`
    out.push({ expression: `\${#stage(${quoted}).outputs}`, says: `outputs of ${name}` }, { expression: `\${#stage(${quoted}).status.name()}`, says: `status of ${name}` })
    if (s.stage.type === 'manualJudgment') out.push({ expression: `\${#judgment(${quoted})}`, says: `answer given to ${name}` })
    if (s.stage.type === 'evaluateVariables' && Array.isArray(s.stage.variables)) {
      for (const v of s.stage.variables) if (isObject(v) && typeof v.key === 'string') out.push({ expression: `\${${v.key}}`, says: `variable of ${name}` })
    }
  }
  return out
}

function member(of: string, key: string): string {
  return /^[A-Za-z_]\w*$/.test(key) ? `${of}.${key}` : `${of}['${key.replaceAll("'", "''")}']`
}
