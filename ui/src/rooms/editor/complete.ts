// What can be written at a place of the text: keys and values, from the schemas.
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete'
import type { Catalog } from './catalog'
import { get, type Doc } from './document'
import type { Path } from './path'
import { fieldOf, fieldsOf, items, type Field } from './schema'
import type { Format, Places } from './text'

/** fieldsAt returns the fields of the object at a path; none are known outside of stages. Pure. */
export function fieldsAt(catalog: Catalog, doc: Doc, path: Path): Field[] {
  if (path[0] !== 'stages' || typeof path[1] !== 'number') return []
  const type = catalog.find(String(get(doc, ['stages', path[1], 'type']) ?? ''))
  let fields = [...catalog.common, ...(type ? fieldsOf(type.schema) : [])]
  for (const key of path.slice(2)) {
    const field = fields.find((f) => f.key === String(key))
    if (typeof key === 'number') continue
    if (!field) return []
    fields = field.kind === 'list' ? fieldsOf(items(field).schema) : fieldsOf(fieldOf(field.key, field.schema).schema)
  }
  return fields
}

const positions = {
  json: { key: /[{,]\s*"?(\w*)$|^\s*"?(\w*)$/, value: /"(\w+)"\s*:\s*"?([\w./-]*)$/ },
  yaml: { key: /^\s*(?:- )*(\w*)$/, value: /^\s*(?:- )*(\w+):\s+"?([\w./-]*)$/ },
}

/** complete offers keys where a key is written, and choices where a value is. */
export function complete(format: Format, known: () => { catalog: Catalog; doc: Doc; places: Places }) {
  return (context: CompletionContext): CompletionResult | null => {
    const line = context.state.doc.lineAt(context.pos)
    const before = line.text.slice(0, context.pos - line.from)
    const { catalog, doc, places } = known()
    const value = positions[format].value.exec(before)
    if (value) {
      const [, key = '', typed = ''] = value
      const path = places.at(context.pos)
      const within = path.at(-1) === key ? path.slice(0, -1) : path
      const options = key === 'type' && within.length === 2 && within[0] === 'stages' ? catalog.types.map((t) => ({ label: t.type, info: t.description })) : (fieldsAt(catalog, doc, within).find((f) => f.key === key)?.choices ?? []).map((label) => ({ label }))
      return options.length === 0 ? null : { from: context.pos - typed.length, options, validFor: /^[\w./-]*$/ }
    }
    const key = positions[format].key.exec(before)
    if (!key) return null
    const typed = key[1] ?? key[2] ?? ''
    if (typed === '' && !context.explicit && !before.endsWith('"')) return null
    const path = places.at(context.pos)
    const around = typeof path.at(-1) === 'string' && !isContainer(get(doc, path)) ? path.slice(0, -1) : path
    const quoted = before.slice(0, before.length - typed.length).endsWith('"')
    const options = fieldsAt(catalog, doc, around).map(
      (f): Completion => ({ label: f.key, detail: f.kind, info: f.description, apply: format === 'yaml' ? `${f.key}: ` : quoted ? f.key : `"${f.key}": ` }),
    )
    return options.length === 0 ? null : { from: context.pos - typed.length, options, validFor: /^\w*$/ }
  }
}

const isContainer = (v: unknown) => typeof v === 'object' && v !== null
