// The form of a stage: what it is called, what it waits for, what it does, and what
// follows if it fails.
import { Button } from '~/kit/button'
import { Checkbox, Field, Input, Select } from '~/kit/field'
import { useEditing, useValue } from '../editing'
import { connect, duplicateStage, get, indexOf, mayRequire, removeStage, renameRef, requires, set, stagesOf, type Doc, type Stage } from '../document'
import type { Path } from '../path'
import type { Field as Is } from '../schema'
import css from './forms.module.css'
import { TypeForm } from './HandForms'
import { Group, Row, SchemaForm } from './SchemaForm'
import { TextInput } from './values'

/** What the form shows by hand of what every stage has, and what Deck writes and nobody reads. */
const shown = ['type', 'refId', 'requisiteStageRefIds', 'name', 'comments', 'failPipeline', 'continuePipeline', 'completeOtherBranchesThenFail', 'stageEnabled', 'stageTimeoutMs', 'markSuccessfulOnTimeout', 'isNew', 'overrideTimeout']

const text: Is = { key: 'name', kind: 'text', description: '', choices: [], schema: {} }

export function StageForm({ refId, onSelect }: { refId: string; onSelect: (refId: string | undefined) => void }) {
  const { doc, edit, catalog } = useEditing()
  const index = indexOf(doc, refId)
  const stage = get(doc, ['stages', index]) as Stage
  const base: Path = ['stages', index]
  const type = String(stage.type ?? '')
  const about = catalog.find(type)
  const name = useValue([...base, 'name'])
  const kind = useValue([...base, 'type'])
  const common = catalog.common.filter((f) => !shown.includes(f.key) && f.key !== 'allowSiblingStagesToContinueOnFailure')
  const hidden = [...shown, ...catalog.common.map((f) => f.key)]
  return (
    <div className={css.fields}>
      <div className={css.sectionHead}>
        <h2>{String(stage.name ?? about?.label ?? (type || 'Stage'))}</h2>
        <Button
          small
          onClick={() => {
            const made = duplicateStage(doc, refId)
            edit(() => made.doc)
            onSelect(made.refId)
          }}
        >
          Duplicate
        </Button>
        <Button
          small
          kind="danger"
          onClick={() => {
            onSelect(undefined)
            edit((d) => removeStage(d, refId))
          }}
        >
          Remove
        </Button>
      </div>
      {about?.description && <p className="muted">{about.description}</p>}
      <div className={css.pair}>
        <Field label="Name" error={name.wrong[0]?.message}>
          {(p) => <TextInput field={text} value={name.value} onChange={name.change} attributes={p} placeholder={about?.label} />}
        </Field>
        <Field label="Type" error={kind.wrong[0]?.message}>
          {(p) => (
            <Select {...p} value={about?.type ?? type} onChange={(e) => kind.change(e.target.value)}>
              {!about && <option value={type}>{type === '' ? 'not set' : `${type} (not known)`}</option>}
              {catalog.types.map((t) => (
                <option key={t.type} value={t.type}>
                  {t.label}
                </option>
              ))}
            </Select>
          )}
        </Field>
      </div>
      <Order refId={refId} onSelect={onSelect} />
      <section className={css.section} aria-label="What it does">
        <TypeForm key={`${refId} ${type}`} base={base} type={type} common={hidden} />
      </section>
      <section className={css.section} aria-label="When it runs, and if it fails">
        <Condition base={base} />
        <Failure base={base} stage={stage} />
        <details className={css.details}>
          <summary>More of every stage</summary>
          <SchemaForm base={base} fields={common} hidden={Object.keys(stage).filter((k) => !common.some((f) => f.key === k))} />
        </details>
      </section>
    </div>
  )
}

/** Order is the refId, and which stages this one waits for. */
function Order({ refId, onSelect }: { refId: string; onSelect: (refId: string) => void }) {
  const { doc, edit } = useEditing()
  const stages = stagesOf(doc)
  const now = requires(stages.find((s) => s.refId === refId)?.stage ?? {})
  const may = mayRequire(doc, refId)
  const nameOf = (ref: string) => {
    const s = stages.find((x) => x.refId === ref)?.stage
    return s ? `${String(s.name ?? s.type ?? '')} (${ref})` : `${ref} (not there)`
  }
  const free = may.filter((r) => !now.includes(r))
  return (
    <div className={css.pair}>
      <Field label="Waits for" hint={now.length === 0 ? 'Nothing: it begins with the pipeline.' : undefined}>
        {(p) => (
          <div className={css.list}>
            {now.map((r) => (
              <div key={r} className={css.together}>
                <span>{nameOf(r)}</span>
                <Button small kind="quiet" aria-label={`No longer wait for ${nameOf(r)}`} onClick={() => edit((d) => connect(d, refId, r, false))}>
                  ✕
                </Button>
              </div>
            ))}
            <Select {...p} value="" disabled={free.length === 0} onChange={(e) => edit((d) => connect(d, refId, e.target.value, true))}>
              <option value="">{free.length === 0 ? 'No other stage can come before it' : 'Wait for…'}</option>
              {free.map((r) => (
                <option key={r} value={r}>
                  {nameOf(r)}
                </option>
              ))}
            </Select>
          </div>
        )}
      </Field>
      <Field label="refId" hint="Its name in the order of stages.">
        {(p) => (
          <Input
            {...p}
            key={refId}
            defaultValue={refId}
            onBlur={(e) => {
              const to = e.target.value.trim()
              const next = renameRef(doc, refId, to)
              if (next === doc) e.target.value = refId
              else {
                onSelect(to)
                edit(() => next)
              }
            }}
          />
        )}
      </Field>
    </div>
  )
}

/** Condition is an expression that must be true for the stage to run. */
function Condition({ base }: { base: Path }) {
  const { value, change, wrong } = useValue([...base, 'stageEnabled', 'expression'])
  const { edit } = useEditing()
  return (
    <Field label="Runs only if" hint="An expression, as ${parameters.environment == 'prod'}; without one the stage always runs." error={wrong[0]?.message}>
      {(p) => (
        <TextInput
          field={text}
          value={value}
          attributes={p}
          onChange={(v) => (v === undefined ? edit((d) => set(d, [...base, 'stageEnabled'], undefined)) : value === undefined ? edit((d) => set(d, [...base, 'stageEnabled'], { type: 'expression', expression: v }), 'condition') : change(v))}
        />
      )}
    </Field>
  )
}

/** What follows a failure, as Spinnaker's editors name it. */
const failures = [
  { key: 'fail', label: 'The whole pipeline halts', fields: { failPipeline: true, continuePipeline: false, completeOtherBranchesThenFail: false } },
  { key: 'stop', label: 'This branch halts; the others go on', fields: { failPipeline: false, continuePipeline: false, completeOtherBranchesThenFail: false } },
  { key: 'branches', label: 'This branch halts; the pipeline fails at its end', fields: { failPipeline: false, continuePipeline: false, completeOtherBranchesThenFail: true } },
  { key: 'ignore', label: 'Nothing: it goes on', fields: { failPipeline: false, continuePipeline: true, completeOtherBranchesThenFail: false } },
] as const

/** failureOf reads what follows a failure; the absence of all is the first. Pure. */
export function failureOf(stage: Doc): string {
  const is = (key: string, standard: boolean) => (stage[key] === undefined ? standard : String(stage[key]) === 'true')
  if (is('continuePipeline', false)) return 'ignore'
  if (is('failPipeline', true)) return 'fail'
  return is('completeOtherBranchesThenFail', false) ? 'branches' : 'stop'
}

function Failure({ base, stage }: { base: Path; stage: Doc }) {
  const { edit, catalog } = useEditing()
  const timeout = catalog.common.find((f) => f.key === 'stageTimeoutMs')
  return (
    <Group title="If it fails">
      <Field label="What follows">
        {(p) => (
          <Select
            {...p}
            value={failureOf(stage)}
            onChange={(e) => {
              const chosen = failures.find((f) => f.key === e.target.value)
              if (chosen) edit((d) => Object.entries(chosen.fields).reduce((at, [k, v]) => set(at, [...base, k], v), d))
            }}
          >
            {failures.map((f) => (
              <option key={f.key} value={f.key}>
                {f.label}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {timeout && <Row base={base} field={timeout} name="Milliseconds it may take" />}
      {stage.stageTimeoutMs !== undefined && (
        <Checkbox
          label="A timeout is a success"
          checked={stage.markSuccessfulOnTimeout === true}
          onChange={(e) => edit((d) => set(d, [...base, 'markSuccessfulOnTimeout'], e.target.checked ? true : undefined))}
        />
      )}
    </Group>
  )
}
