// Inputs for the values of fields. Each takes an expression too, whatever it wants.
import { useState, type ReactNode } from 'react'
import { Button, IconButton } from '~/kit/button'
import { Input, Select, TextArea } from '~/kit/field'
import { isObject, move, rename, type Doc, type Json } from '../document'
import { empty, fits, isExpression, items, label, read, type Field } from '../schema'
import css from './forms.module.css'

export type InputProps = { field: Field; value: Json | undefined; onChange: (v: Json | undefined) => void; attributes?: { id?: string; 'aria-describedby'?: string; 'aria-invalid'?: true; 'aria-label'?: string }; placeholder?: string }

/** ValueInput is the input for a field's kind; a value that it cannot show is shown as JSON. */
export function ValueInput(props: InputProps): ReactNode {
  const { field, value } = props
  if (!fits(field, value) || field.kind === 'anything') return <JsonInput {...props} />
  switch (field.kind) {
    case 'boolean':
      return <ChoiceInput {...props} choices={['true', 'false']} />
    case 'choice':
      return <ChoiceInput {...props} choices={field.choices} />
    case 'list':
      return typeof value === 'string' ? <TextInput {...props} /> : <ListInput {...props} />
    case 'map':
      return typeof value === 'string' ? <TextInput {...props} /> : <MapInput {...props} />
    case 'object':
      return typeof value === 'string' ? <TextInput {...props} /> : <JsonInput {...props} />
    default:
      return <TextInput {...props} />
  }
}

const standardOf = (field: Field) => (field.standard === undefined ? '' : String(field.standard))

export function TextInput({ field, value, onChange, attributes, placeholder }: InputProps) {
  const text = value === undefined || value === null ? '' : String(value)
  const common = { ...attributes, value: text, spellCheck: false, placeholder: placeholder ?? standardOf(field), 'data-expression': isExpression(text) || undefined, className: css.value }
  if (text.includes('\n')) return <TextArea {...common} rows={Math.min(12, text.split('\n').length + 1)} onChange={(e) => onChange(read(field, e.target.value))} />
  return <Input {...common} inputMode={field.kind === 'number' && !isExpression(text) ? 'decimal' : undefined} onChange={(e) => onChange(read(field, e.target.value))} />
}

const other = '…'

/** ChoiceInput is one of several, or an expression that says which. */
function ChoiceInput({ choices, ...props }: InputProps & { choices: string[] }) {
  const { field, value, onChange, attributes } = props
  const text = value === undefined || value === null ? '' : String(value)
  const [written, setWritten] = useState(false)
  if (written || (text !== '' && !choices.includes(text)))
    return (
      <div className={css.together}>
        <TextInput {...props} placeholder="${ … }" />
        <Button
          small
          onClick={() => {
            setWritten(false)
            onChange(undefined)
          }}
        >
          Choose
        </Button>
      </div>
    )
  return (
    <Select
      {...attributes}
      value={text}
      onChange={(e) => {
        const v = e.target.value
        if (v === other) setWritten(true)
        else onChange(v === '' ? undefined : field.kind === 'boolean' ? v === 'true' : v)
      }}
    >
      <option value="">{field.standard === undefined ? 'not set' : `not set (${wordOf(String(field.standard))})`}</option>
      {choices.map((c) => (
        <option key={c} value={c}>
          {field.kind === 'boolean' ? wordOf(c) : c}
        </option>
      ))}
      <option value={other}>expression…</option>
    </Select>
  )
}

const wordOf = (v: string) => (v === 'true' ? 'yes' : v === 'false' ? 'no' : v)

/** JsonInput keeps what is typed until it can be read. */
export function JsonInput({ value, onChange, attributes, field }: InputProps) {
  const [typed, setTyped] = useState<string>()
  const plain = typeof value === 'string' && field.kind === 'anything'
  const shown = typed ?? (value === undefined ? '' : plain ? value : JSON.stringify(value, null, 2))
  const parsed = typed === undefined ? { ok: true } : jsonOf(typed, field.kind === 'anything')
  return (
    <>
      <TextArea
        {...attributes}
        className={css.value}
        spellCheck={false}
        data-code
        data-expression={isExpression(shown) || undefined}
        aria-invalid={parsed.ok ? attributes?.['aria-invalid'] : true}
        rows={Math.min(16, Math.max(2, shown.split('\n').length))}
        value={shown}
        onChange={(e) => {
          setTyped(e.target.value)
          const got = jsonOf(e.target.value, field.kind === 'anything')
          if (got.ok) onChange(got.value)
        }}
        onBlur={() => parsed.ok && setTyped(undefined)}
      />
      {!parsed.ok && <span className={css.wrong}>This is no JSON yet; the pipeline keeps what was there before.</span>}
    </>
  )
}

function jsonOf(text: string, orText: boolean): { ok: boolean; value?: Json } {
  if (text.trim() === '') return { ok: true, value: undefined }
  try {
    return { ok: true, value: JSON.parse(text) as Json }
  } catch {
    return orText || isExpression(text) ? { ok: !/^\s*[[{"]/.test(text), value: text } : { ok: false }
  }
}

function ListInput({ field, value, onChange, attributes }: InputProps) {
  const list = Array.isArray(value) ? value : []
  const entry = items(field)
  const name = attributes?.['aria-label'] ?? label(field.key)
  const put = (i: number, v: Json | undefined) => onChange(list.map((x, j) => (j === i ? (v ?? '') : x)))
  return (
    <div className={css.list} id={attributes?.id} role="group" aria-label={name} tabIndex={-1}>
      {list.map((v, i) => (
        <div key={i} className={css.together}>
          <ValueInput field={entry} value={v} onChange={(x) => put(i, x)} attributes={{ 'aria-label': `${name} ${i + 1}` }} />
          {i > 0 && (
            <IconButton small label={`Move ${name} ${i + 1} up`} onClick={() => onChange(move({ list }, ['list'], i, i - 1).list)}>
              ↑
            </IconButton>
          )}
          <IconButton small label={`Remove ${name} ${i + 1}`} onClick={() => onChange(list.length === 1 ? undefined : list.filter((_, j) => j !== i))}>
            ✕
          </IconButton>
        </div>
      ))}
      <Button small className={css.add} onClick={() => onChange([...list, empty(entry)])}>
        Add
      </Button>
    </div>
  )
}

function MapInput({ field, value, onChange, attributes }: InputProps) {
  const map: Doc = isObject(value) ? value : {}
  const entry = items(field)
  const name = attributes?.['aria-label'] ?? label(field.key)
  return (
    <div className={css.list} id={attributes?.id} role="group" aria-label={name} tabIndex={-1}>
      {Object.entries(map).map(([k, v], i) => (
        <div key={i} className={css.together}>
          <Input aria-label={`Key ${i + 1} of ${name}`} className={css.key} value={k} spellCheck={false} onChange={(e) => onChange(rename(map, k, e.target.value))} />
          <ValueInput field={entry.kind === 'anything' && typeof v === 'string' ? { ...entry, kind: 'text' } : entry} value={v} onChange={(x) => onChange({ ...map, [k]: x ?? '' })} attributes={{ 'aria-label': `${name} ${k}` }} />
          <IconButton
            small
            label={`Remove ${k}`}
            onClick={() => {
              const { [k]: _, ...rest } = map
              onChange(Object.keys(rest).length === 0 ? undefined : rest)
            }}
          >
            ✕
          </IconButton>
        </div>
      ))}
      <Button small className={css.add} disabled={'' in map} onClick={() => onChange({ ...map, '': '' })}>
        Add
      </Button>
    </div>
  )
}
