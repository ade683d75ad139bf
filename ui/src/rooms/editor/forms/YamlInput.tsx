// Objects as YAML. It is loaded when a form needs it.
import { useEffect, useState } from 'react'
import { parseAllDocuments } from 'yaml'
import { TextArea } from '~/kit/field'
import { same, type Json } from '../document'
import { print } from '../text'
import css from './forms.module.css'
import type { InputProps } from './values'

/** write writes objects, each as a document of its own. Pure. */
export function write(value: Json | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return value
  return (Array.isArray(value) ? value : [value]).map((v) => print(v, 'yaml')).join('---\n')
}

/** readAll is its inverse: a list of objects, or what is wrong. Pure. */
export function readAll(text: string): { value: Json[] } | { error: string } {
  const docs = [...parseAllDocuments(text)]
  const wrong = docs.flatMap((d) => d.errors)[0]
  if (wrong) return { error: wrong.message.split('\n')[0]! }
  const values = docs.map((d): unknown => d.toJS({ maxAliasCount: 100 })).filter((v) => v !== null && v !== undefined)
  return { value: JSON.parse(JSON.stringify(values)) as Json[] }
}

export default function YamlInput({ value, onChange, attributes }: Pick<InputProps, 'value' | 'onChange' | 'attributes'>) {
  const [typed, setTyped] = useState(() => write(value))
  const [error, setError] = useState<string>()
  useEffect(() => {
    // Somebody else changed it: another part of the editor, or undo.
    setTyped((now) => {
      const mine = readAll(now)
      return 'value' in mine && same(mine.value, Array.isArray(value) ? value : value === undefined ? [] : [value]) ? now : write(value)
    })
  }, [value])
  return (
    <>
      <TextArea
        {...attributes}
        className={css.value}
        data-code
        spellCheck={false}
        rows={Math.min(32, Math.max(8, typed.split('\n').length))}
        value={typed}
        aria-invalid={error ? true : attributes?.['aria-invalid']}
        onChange={(e) => {
          setTyped(e.target.value)
          const got = readAll(e.target.value)
          if ('error' in got) setError(got.error)
          else {
            setError(undefined)
            onChange(got.value.length === 0 ? undefined : Array.isArray(value) || value === undefined || got.value.length > 1 ? got.value : got.value[0])
          }
        }}
      />
      {error && <span className={css.wrong}>{error}</span>}
    </>
  )
}
