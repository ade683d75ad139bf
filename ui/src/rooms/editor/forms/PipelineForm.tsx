// The form of what a pipeline has beside its stages.
import { Button, IconButton } from '~/kit/button'
import { Field } from '~/kit/field'
import { Note } from '~/kit/state'
import { useEditing, useValue } from '../editing'
import { get, isObject, move, set, type Doc, type Json } from '../document'
import { fieldsOf, type Field as Is } from '../schema'
import { isTemplated, known, sections, settings } from '../pipeline'
import css from './forms.module.css'
import { Group, SchemaForm } from './SchemaForm'
import { JsonInput, TextInput } from './values'

const text: Is = { key: '', kind: 'text', description: '', choices: [], schema: {} }

export function PipelineForm() {
  const { doc } = useEditing()
  const name = useValue(['name'])
  return (
    <div className={css.fields}>
      <h2>Pipeline</h2>
      <Field label="Name" required error={name.wrong[0]?.message}>
        {(p) => <TextInput field={text} value={name.value} attributes={p} onChange={(v) => name.change(v ?? '')} />}
      </Field>
      {isTemplated(doc) && <Template />}
      <SchemaForm base={[]} fields={fieldsOf(settings)} hidden={known} />
      {sections.map((s) => (
        <Section key={s.key} section={s} />
      ))}
    </div>
  )
}

function Section({ section }: { section: (typeof sections)[number] }) {
  const { doc, edit } = useEditing()
  const value = get(doc, [section.key])
  const list = Array.isArray(value) ? value : []
  return (
    <section className={css.section}>
      <div className={css.sectionHead}>
        <h3>{section.title}</h3>
        <Button small onClick={() => edit((d) => set(d, [section.key], [...list, structuredClone(section.fresh) as unknown as Doc]))}>
          Add
        </Button>
      </div>
      {list.map((entry, i) => (
        <Group
          key={i}
          title={titleOf(entry, section.one, i)}
          actions={
            <>
              {i > 0 && (
                <IconButton small label={`Move ${section.one} ${i + 1} up`} onClick={() => edit((d) => move(d, [section.key], i, i - 1))}>
                  ↑
                </IconButton>
              )}
              <IconButton small label={`Remove ${section.one} ${i + 1}`} onClick={() => edit((d) => set(d, [section.key], list.filter((_, j) => j !== i)))}>
                ✕
              </IconButton>
            </>
          }
        >
          <SchemaForm base={[section.key, i]} fields={fieldsOf(section.schema)} />
        </Group>
      ))}
    </section>
  )
}

function titleOf(entry: unknown, one: string, i: number): string {
  const name = isObject(entry) ? (entry.name ?? entry.displayName ?? entry.type ?? entry.address) : undefined
  return typeof name === 'string' && name !== '' ? name : `${one.charAt(0).toUpperCase()}${one.slice(1)} ${i + 1}`
}

/** Template is the values that a pipeline gives to the variables of its template. */
function Template() {
  const { doc, edit } = useEditing()
  const template = get(doc, ['template', 'reference'])
  const variables = isObject(doc.variables) ? doc.variables : {}
  return (
    <>
      <Note>
        Its stages come from the template <code>{typeof template === 'string' ? template : 'that it names'}</code>; what is here are the values of the template’s variables. The rest is to be changed as text.
      </Note>
      <Group title="Variables">
        {Object.entries(variables).map(([k, v]) => (
          <Field key={k} label={<code>{k}</code>}>
            {(p) => {
              const field: Is = typeof v === 'object' ? { ...text, key: k, kind: 'anything' } : { ...text, key: k, kind: typeof v === 'number' ? 'number' : 'text' }
              const put = (x: Json | undefined) => edit((d) => set(d, ['variables', k], x), `variables.${k}`)
              return typeof v === 'object' ? <JsonInput field={field} value={v} onChange={put} attributes={p} /> : <TextInput field={field} value={v} onChange={(x) => put(x ?? '')} attributes={p} />
            }}
          </Field>
        ))}
      </Group>
    </>
  )
}
