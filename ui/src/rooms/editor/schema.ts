// From the schema of a stage type to the fields of its form.
import { isObject, type Doc, type Json } from './document'

export type Schema = Record<string, unknown>

export type Field = {
  key: string
  kind: 'text' | 'number' | 'boolean' | 'choice' | 'list' | 'map' | 'object' | 'anything'
  description: string
  choices: string[]
  /** What holds if nothing is said. */
  standard?: Json
  schema: Schema
}

const schemaOf = (v: unknown): Schema => (typeof v === 'object' && v !== null ? (v as Schema) : {})

/** fieldsOf are the fields of an object's schema, in their order. */
export function fieldsOf(schema: Schema): Field[] {
  return Object.entries(schemaOf(schema.properties)).map(([key, s]) => fieldOf(key, schemaOf(s)))
}

/** fieldOf says which kind of input a schema wants. An expression may stand for anything, so text is always allowed. */
export function fieldOf(key: string, schema: Schema): Field {
  const types = Array.isArray(schema.type) ? schema.type : [schema.type]
  const choices = choicesOf(schema)
  const kind = (): Field['kind'] => {
    if (choices.length > 0) return 'choice'
    if (types.includes('integer') || types.includes('number')) return 'number'
    if (types.includes('boolean')) return 'boolean'
    if (types.includes('array')) return 'list'
    if (types.includes('object')) return Object.keys(schemaOf(schema.properties)).length > 0 ? 'object' : 'map'
    return types.includes('string') ? 'text' : 'anything'
  }
  return { key, kind: kind(), choices, description: typeof schema.description === 'string' ? schema.description : '', standard: schema.default as Json | undefined, schema }
}

function choicesOf(schema: Schema): string[] {
  const all = [schema, ...(Array.isArray(schema.anyOf) ? schema.anyOf.map(schemaOf) : [])]
  return all.flatMap((s) => (Array.isArray(s.enum) ? s.enum.map(String) : []))
}

/** items is the field of a list's entries, or of a map's values. */
export function items(field: Field): Field {
  return fieldOf('', schemaOf(field.kind === 'list' ? field.schema.items : field.schema.additionalProperties))
}

/** unknown are the keys of an object that no field is for. */
export function unknown(of: Doc, ...known: (readonly string[])[]): string[] {
  const all = new Set(known.flat())
  return Object.keys(of).filter((k) => !all.has(k))
}

/** empty is what a new entry of a list begins as. */
export function empty(field: Field): Json {
  switch (field.kind) {
    case 'list':
      return []
    case 'map':
    case 'object':
      return {}
    default:
      return ''
  }
}

/** fits reports whether the input of a field can show a value; what does not fit is shown as JSON. */
export function fits(field: Field, value: Json | undefined): boolean {
  if (value === undefined || value === null || typeof value === 'string') return true
  switch (field.kind) {
    case 'list':
      return Array.isArray(value)
    case 'map':
    case 'object':
      return isObject(value)
    case 'anything':
      return true
    default:
      return typeof value !== 'object'
  }
}

/** read makes of what was typed what the field holds: a number if it is one, else the text, which may be an expression. */
export function read(field: Field, typed: string): Json | undefined {
  if (typed === '') return undefined
  if (field.kind === 'number' && /^-?\d+(\.\d+)?$/.test(typed.trim())) return Number(typed)
  return typed
}

export const isExpression = (v: unknown): v is string => typeof v === 'string' && v.includes('${')

/** label writes a key as words: "Stage timeout ms" for stageTimeoutMs. */
export function label(key: string): string {
  const words = key.replace(/([a-z0-9])([A-Z])/g, '$1 $2').split(/[\s_-]+/)
  return words.map((w, i) => (i === 0 ? w.charAt(0).toUpperCase() + w.slice(1) : /^[A-Z]{2,}$/.test(w) ? w : w.toLowerCase())).join(' ')
}
