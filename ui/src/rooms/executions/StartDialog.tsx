// Asks for what a run needs, as the pipeline says; and starts it.
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { api, asError, must, type ApiError } from '~/api/client'
import { execution, type Definition, type Execution } from '~/api/queries'
import { Button } from '~/kit/button'
import { Dialog } from '~/kit/dialog'
import { Checkbox, Field, Input, Select } from '~/kit/field'
import { ErrorBox, Loaded, Note, Skeleton } from '~/kit/state'
import { asked, beginWith, fieldOf, lastUsed, missing, readParameters, submitted, type Parameter, type Values } from './parameters'
import { definition, runs } from './queries'
import css from './start.module.css'
import { artifactName, artifactsOf, inShort, type Artifact } from './trigger'

type Props = { app: string; pipeline: string; /** The execution whose values it begins with. */ rerun?: string; onClose: () => void }

/** StartDialog starts a pipeline, and goes to its execution. */
export function StartDialog({ app, pipeline, rerun, onClose }: Props) {
  const query = useQuery(definition(app, pipeline))
  const again = useQuery({ ...execution(rerun ?? ''), enabled: rerun !== undefined })
  if (query.data === undefined || (rerun && again.isPending))
    return (
      <Dialog open onClose={onClose} title="Start">
        <Loaded query={query} skeleton={<Skeleton rows={3} />}>
          {() => <Skeleton rows={3} />}
        </Loaded>
      </Dialog>
    )
  return <Form key={`${pipeline} ${rerun}`} app={app} of={query.data} again={again.data} onClose={onClose} />
}

function Form({ app, of, again, onClose }: { app: string; of: Definition; again?: Execution; onClose: () => void }) {
  const navigate = useNavigate()
  const parameters = readParameters(of.parameterConfig ?? [])
  const had = (again?.trigger.parameters ?? {}) as Record<string, unknown>
  const [values, setValues] = useState<Values>(() => beginWith(parameters, had))
  const [dryRun, setDryRun] = useState(again?.trigger.dryRun === true)
  const [tried, setTried] = useState(false)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError>()
  const before = useInfiniteQuery(runs(app, { pipeline: of.id })).data?.pages[0]?.items ?? []
  const shown = asked(parameters, values)
  const wrong = tried ? missing(shown, values) : {}
  const refused = error && fieldOf(error.message, shown)
  const start = async (e: FormEvent) => {
    e.preventDefault()
    setTried(true)
    setError(undefined)
    const first = Object.keys(missing(shown, values))[0]
    if (first) return (e.currentTarget as HTMLFormElement).querySelector<HTMLElement>(`[name="${first}"]`)?.focus()
    setBusy(true)
    try {
      const trigger = { type: 'manual', parameters: submitted(parameters, values, had), artifacts: again && artifactsOf(again).length > 0 ? artifactsOf(again) : undefined, dryRun: dryRun || undefined }
      const { ref } = await must(api.POST('/pipelines/{app}/{name}', { params: { path: { app, name: of.id } }, body: trigger, headers: { 'Content-Type': 'application/json' } }))
      await navigate({ to: '/applications/$app/executions/$id', params: { app, id: ref.replace('/pipelines/', '') } })
    } catch (err) {
      setError(asError(err))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={again ? `Run ${of.name} again` : `Start ${of.name}`}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" form="start" busy={busy} disabled={of.disabled === true}>
            {dryRun ? 'Start the dry run' : 'Start'}
          </Button>
        </>
      }
    >
      <form id="start" className={css.form} onSubmit={(e) => void start(e)} noValidate>
        {of.disabled === true && <Note tone="wait">It is disabled, and cannot be started.</Note>}
        {typeof of.description === 'string' && of.description && <p className="muted">{of.description}</p>}
        {shown.map((p, i) => (
          <ParameterField
            key={p.name}
            first={i === 0}
            of={p}
            value={values[p.name] ?? ''}
            used={lastUsed(p.name, before)}
            error={wrong[p.name] ?? (refused === p.name ? error?.message : undefined)}
            onChange={(v) => {
              setValues((all) => ({ ...all, [p.name]: v }))
              setError(undefined)
            }}
          />
        ))}
        {parameters.length === 0 && <p>It asks for no parameters.</p>}
        <Artifacts of={of} again={again} />
        <Checkbox label="Dry run" hint="Every stage is gone through; what would change something only says so." checked={dryRun} onChange={(e) => setDryRun(e.target.checked)} />
        {error && !refused && <ErrorBox error={error} />}
      </form>
    </Dialog>
  )
}

type FieldProps = { of: Parameter; first: boolean; value: string; used: string[]; error?: string; onChange: (v: string) => void }

function ParameterField({ of, first, value, used, error, onChange }: FieldProps) {
  return (
    <Field label={of.label} hint={of.description} error={error} required={of.required}>
      {(props) => {
        const own = { ...props, name: of.name, value, autoFocus: first, onChange: (e: { target: { value: string } }) => onChange(e.target.value) }
        switch (of.kind) {
          case 'choice':
            return (
              <Select {...own}>
                {(!of.required || !of.options.includes(value)) && <option value={of.options.includes(value) ? '' : value}>{of.options.includes(value) || value === '' ? 'none' : value}</option>}
                {of.options.map((o) => (
                  <option key={o}>{o}</option>
                ))}
              </Select>
            )
          case 'flag':
            return (
              <Select {...own}>
                <option>true</option>
                <option>false</option>
              </Select>
            )
          default:
            return (
              <>
                <Input {...own} type={of.kind === 'date' ? 'date' : 'text'} spellCheck={false} />
                <Used of={used.filter((u) => u !== value)} onUse={onChange} />
              </>
            )
        }
      }}
    </Field>
  )
}

/** Used offers what was given to other runs. */
function Used({ of, onUse }: { of: string[]; onUse: (v: string) => void }) {
  if (of.length === 0) return null
  return (
    <div className={css.used}>
      <span className="muted">Used before:</span>
      {of.slice(0, 4).map((v) => (
        <button key={v} type="button" onClick={() => onUse(v)} title={v}>
          {inShort(v, 28)}
        </button>
      ))}
    </div>
  )
}

/** Artifacts lists what the run will have, and what it expects. */
function Artifacts({ of, again }: { of: Definition; again?: Execution }) {
  const given = again ? artifactsOf(again) : []
  const expected = (Array.isArray(of.expectedArtifacts) ? of.expectedArtifacts : []) as { id?: string; displayName?: string; matchArtifact?: Artifact; usePriorArtifact?: boolean; useDefaultArtifact?: boolean }[]
  if (given.length + expected.length === 0) return null
  return (
    <section>
      <h3>Artifacts</h3>
      <ul className={css.artifacts}>
        {given.map((a, i) => (
          <li key={`given ${i}`}>{artifactName(a)}</li>
        ))}
        {expected.map((e, i) => (
          <li key={`expected ${i}`}>
            {e.displayName || artifactName(e.matchArtifact ?? {})}{' '}
            <span className="muted">{e.usePriorArtifact ? 'that of the last run' : e.useDefaultArtifact ? 'its default' : 'is expected from what triggers it'}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
