import { useQuery } from '@tanstack/react-query'
import { accounts } from '~/api/queries'
import { Button, IconButton } from '~/kit/button'
import { Checkbox, Field, Input, Select, TextArea } from '~/kit/field'
import { Note } from '~/kit/state'
import { guardsOf, providersOf, type Attributes, type Guard } from './attributes'
import css from './settings.module.css'

type Props = { attributes: Attributes; onChange: (to: Attributes) => void }

/** AttributeForm shows the attributes that people know; the others stay as they are. */
export function AttributeForm({ attributes, onChange }: Props) {
  const set = (key: string, value: unknown) => {
    const { [key]: _, ...rest } = attributes
    onChange(value === '' || value === undefined ? rest : { ...rest, [key]: value })
  }
  const text = (key: string) => String(attributes[key] ?? '')
  const providers = providersOf(attributes)
  const known = useQuery(accounts()).data?.map((a) => a.cloudProvider) ?? []
  const offered = [...new Set([...known, ...providers])].sort()
  return (
    <div className={css.form}>
      <Field label="Email" required hint="Of those who own it." error={text('email') === '' && 'An application needs one.'}>
        {(p) => <Input {...p} type="email" value={text('email')} onChange={(e) => set('email', e.target.value)} />}
      </Field>
      <Field label="Description">{(p) => <TextArea {...p} rows={2} value={text('description')} onChange={(e) => set('description', e.target.value)} />}</Field>
      <fieldset className={css.set}>
        <legend>Cloud providers</legend>
        {offered.map((name) => (
          <Checkbox key={name} label={name} checked={providers.includes(name)} onChange={(e) => set('cloudProviders', (e.target.checked ? [...providers, name] : providers.filter((x) => x !== name)).join(','))} />
        ))}
      </fieldset>
      <fieldset className={css.set}>
        <legend>Repository</legend>
        <div className={css.three}>
          <Field label="Type">
            {(p) => (
              <Select {...p} value={text('repoType')} onChange={(e) => set('repoType', e.target.value)}>
                <option value="">None</option>
                {['github', 'gitlab', 'bitbucket', 'stash'].map((t) => (
                  <option key={t}>{t}</option>
                ))}
              </Select>
            )}
          </Field>
          <Field label="Project">{(p) => <Input {...p} value={text('repoProjectKey')} onChange={(e) => set('repoProjectKey', e.target.value)} />}</Field>
          <Field label="Name">{(p) => <Input {...p} value={text('repoSlug')} onChange={(e) => set('repoSlug', e.target.value)} />}</Field>
        </div>
      </fieldset>
      <Guards guards={guardsOf(attributes)} onChange={(g) => set('trafficGuards', g.length > 0 ? g : undefined)} />
    </div>
  )
}

const guardFields = ['account', 'location', 'stack', 'detail'] as const

/** Guards are the clusters that may not lose their last instances. */
function Guards({ guards, onChange }: { guards: Guard[] | undefined; onChange: (to: Guard[]) => void }) {
  const set = (at: number, to: Partial<Guard>) => onChange((guards ?? []).map((g, i) => (i === at ? { ...g, ...to } : g)))
  return (
    <fieldset className={css.set}>
      <legend>Traffic guards</legend>
      <p className="muted">A cluster that is guarded may not lose its last instances that take traffic. “*” is any; an empty stack or detail is none.</p>
      {guards === undefined && <Note tone="wait">The guards cannot be read as a list, so every cluster is guarded. Mend them in JSON.</Note>}
      {guards?.map((g, i) => (
        <div key={i} className={css.guard}>
          {guardFields.map((f) => (
            <Field key={f} label={f[0]!.toUpperCase() + f.slice(1)}>
              {(p) => <Input {...p} value={g[f]} onChange={(e) => set(i, { [f]: e.target.value })} spellCheck={false} />}
            </Field>
          ))}
          <Checkbox label="On" checked={g.enabled !== false} onChange={(e) => set(i, { enabled: e.target.checked })} />
          <IconButton small label={`Remove guard ${i + 1}`} onClick={() => onChange(guards.filter((_, j) => j !== i))}>
            ✕
          </IconButton>
        </div>
      ))}
      {guards !== undefined && (
        <div>
          <Button small onClick={() => onChange([...guards, { account: '*', location: '*', stack: '*', detail: '*', enabled: true }])}>
            Add a guard
          </Button>
        </div>
      )}
    </fieldset>
  )
}
