// The form of an object, made from its schema: a new stage type needs no more.
import { useState, type ReactNode } from 'react'
import { Button, IconButton } from '~/kit/button'
import { Field, Select } from '~/kit/field'
import { useEditing, useValue } from '../editing'
import { get, isObject, set, type Json } from '../document'
import type { Path } from '../path'
import { fieldsOf, items, label, unknown, type Field as Is } from '../schema'
import css from './forms.module.css'
import { JsonInput, ValueInput } from './values'

/** Row is a field with its label, its hint, and what is wrong with it. */
export function Row({ base, field, name, hint, placeholder }: { base: Path; field: Is; name?: string; hint?: ReactNode; placeholder?: string }) {
  const path = [...base, field.key]
  const { value, change, wrong, within } = useValue(path)
  const said = hint ?? (field.description === '' ? undefined : field.description)
  const error = (field.kind === 'list' || field.kind === 'map' || field.kind === 'anything' ? within : wrong).map((f) => (f.hint ? `${f.message}; ${f.hint}` : f.message)).join('. ') || undefined
  if (field.kind === 'object' && (value === undefined || isObject(value)))
    return (
      <Group title={name ?? label(field.key)} hint={error ?? said}>
        <SchemaForm base={path} fields={fieldsOf(field.schema)} />
      </Group>
    )
  if (field.kind === 'list' && items(field).kind === 'object' && (value === undefined || Array.isArray(value))) return <Objects path={path} field={field} name={name ?? label(field.key)} hint={error ?? said} />
  return (
    <Field label={name ?? label(field.key)} hint={said} error={error}>
      {(p) => <ValueInput field={field} value={value} onChange={change} attributes={{ ...p, 'aria-label': undefined }} placeholder={placeholder} />}
    </Field>
  )
}

export function Group({ title, hint, children, actions }: { title: ReactNode; hint?: ReactNode; children: ReactNode; actions?: ReactNode }) {
  return (
    <fieldset className={css.group}>
      <legend>
        {title}
        {actions}
      </legend>
      {hint && <p className={css.hint}>{hint}</p>}
      {children}
    </fieldset>
  )
}

/** Objects is a list of objects, each with a form of its own. */
function Objects({ path, field, name, hint }: { path: Path; field: Is; name: string; hint?: ReactNode }) {
  const { value, change } = useValue(path)
  const list = Array.isArray(value) ? value : []
  const fields = fieldsOf(items(field).schema)
  return (
    <Group title={name} hint={hint}>
      {list.map((_, i) => (
        <Group
          key={i}
          title={`${i + 1}`}
          actions={
            <IconButton small label={`Remove ${name} ${i + 1}`} onClick={() => change(list.length === 1 ? undefined : list.filter((_, j) => j !== i))}>
              ✕
            </IconButton>
          }
        >
          <SchemaForm base={[...path, i]} fields={fields} />
        </Group>
      ))}
      <Button small className={css.add} onClick={() => change([...list, {}])}>
        Add
      </Button>
    </Group>
  )
}

/** How many fields are shown at once; of more, those that are set, and others on demand. */
const few = 8

/** SchemaForm shows the fields of the object at a path, and as JSON what no field is for. */
export function SchemaForm({ base, fields, hidden = [] }: { base: Path; fields: Is[]; hidden?: readonly string[] }) {
  const { doc } = useEditing()
  const [added, setAdded] = useState<string[]>([])
  const of = get(doc, base)
  const object = isObject(of) ? of : {}
  const all = fields.filter((f) => !hidden.includes(f.key))
  const shown = all.filter((f) => all.length <= few || f.key in object || added.includes(f.key))
  const rest = all.filter((f) => !shown.includes(f))
  return (
    <div className={css.fields}>
      {shown.map((f) => (
        <Row key={f.key} base={base} field={f} />
      ))}
      <Unknown base={base} known={fields.map((f) => f.key)} hidden={hidden} />
      {rest.length > 0 && (
        <Select aria-label="Add a field" className={css.more} value="" onChange={(e) => setAdded([...added, e.target.value])}>
          <option value="">Add a field… ({rest.length})</option>
          {rest.map((f) => (
            <option key={f.key} value={f.key}>
              {f.description === '' ? f.key : `${f.key}: ${f.description}`}
            </option>
          ))}
        </Select>
      )}
    </div>
  )
}

/** Unknown are the fields that no form has: they are kept as they are, and can be changed as JSON. */
function Unknown({ base, known, hidden }: { base: Path; known: string[]; hidden: readonly string[] }) {
  const { doc, edit } = useEditing()
  const of = get(doc, base)
  const keys = isObject(of) ? unknown(of, known, hidden) : []
  if (keys.length === 0) return null
  const put = (key: string, v: Json | undefined) => edit((d) => set(d, [...base, key], v), `${base.join('.')}.${key}`)
  return (
    <Group title="Other fields" hint="No schema has these. They are kept as they are.">
      {keys.map((key) => (
        <Field key={key} label={<code>{key}</code>}>
          {(p) => <JsonInput field={{ key, kind: 'anything', description: '', choices: [], schema: {} }} value={get(doc, [...base, key])} onChange={(v) => put(key, v)} attributes={p} />}
        </Field>
      ))}
    </Group>
  )
}
