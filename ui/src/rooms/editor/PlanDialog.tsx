// What a run of the draft would do now. Nothing is done, and nothing is saved.
import { useState } from 'react'
import { api, must, type Schemas } from '~/api/client'
import { Button } from '~/kit/button'
import { Dialog } from '~/kit/dialog'
import { Field, Input, Select } from '~/kit/field'
import { ErrorBox, Note } from '~/kit/state'
import { StatusBadge } from '~/kit/status'
import { duration } from '~/kit/time'
import { isObject, type Doc } from './document'
import css from './editor.module.css'

type Parameter = { name: string; label: string; options: string[]; standard: string; required: boolean; description: string }

/** parametersOf reads what a pipeline asks for when it starts. Pure. */
export function parametersOf(doc: Doc): Parameter[] {
  const list = Array.isArray(doc.parameterConfig) ? doc.parameterConfig : []
  return list.flatMap((p) => {
    if (!isObject(p) || typeof p.name !== 'string' || p.name === '') return []
    const options = p.hasOptions === true && Array.isArray(p.options) ? p.options.map((o) => String(isObject(o) ? (o.value ?? '') : o)) : []
    return [{ name: p.name, label: String(p.label || p.name), options, standard: p.default === undefined || p.default === null ? '' : String(p.default), required: p.required === true, description: String(p.description ?? '') }]
  })
}

export function PlanDialog({ doc, onClose }: { doc: Doc; onClose: () => void }) {
  const asked = parametersOf(doc)
  const [given, setGiven] = useState<Record<string, string>>({})
  const [plan, setPlan] = useState<Schemas['Plan']>()
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  const ask = async () => {
    setBusy(true)
    setError(undefined)
    try {
      const parameters = Object.fromEntries(asked.map((p) => [p.name, given[p.name] ?? p.standard]))
      setPlan(await must(api.POST('/api/v1/pipelines/plan', { body: { pipeline: doc, trigger: { type: 'manual', parameters } } as never })))
    } catch (e) {
      setPlan(undefined)
      setError(e)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={`What a run of ${String(doc.name || 'this pipeline')} would do`}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button kind="primary" busy={busy} onClick={() => void ask()}>
            {plan ? 'Plan again' : 'Plan'}
          </Button>
        </>
      }
    >
      <form
        className={css.plan}
        onSubmit={(e) => {
          e.preventDefault()
          void ask()
        }}
      >
        {asked.length === 0 && <p className="muted">It asks for nothing when it starts. Nothing is done, and nothing is saved.</p>}
        {asked.map((p) => (
          <Field key={p.name} label={p.label} hint={p.description} required={p.required}>
            {(a) =>
              p.options.length > 0 ? (
                <Select {...a} value={given[p.name] ?? p.standard} onChange={(e) => setGiven({ ...given, [p.name]: e.target.value })}>
                  <option value="">none</option>
                  {p.options.map((o) => (
                    <option key={o}>{o}</option>
                  ))}
                </Select>
              ) : (
                <Input {...a} value={given[p.name] ?? p.standard} onChange={(e) => setGiven({ ...given, [p.name]: e.target.value })} />
              )
            }
          </Field>
        ))}
        <button type="submit" hidden />
      </form>
      {error !== undefined && <ErrorBox error={error} />}
      {plan && <Planned plan={plan} />}
    </Dialog>
  )
}

function Planned({ plan }: { plan: Schemas['Plan'] }) {
  return (
    <section className={css.plan} aria-label="The plan">
      {plan.refused ? (
        <Note tone="bad">It would not start: {plan.refused}</Note>
      ) : (
        <p>
          {plan.status && <StatusBadge status={plan.status} />} after {duration(plan.seconds * 1_000)}
          {plan.stages.some((s) => s.assumed) && ', and what is assumed takes'}.
        </p>
      )}
      <ol className={css.planned}>
        {plan.stages.map((s) => (
          <li key={s.refId}>
            <div className={css.tools}>
              <StatusBadge status={s.status} /> <strong>{s.name}</strong> <span className="muted">{s.type}</span>
              {s.status !== 'NOT_STARTED' && <span className="muted">at {duration(s.start * 1_000)}</span>}
              {s.assumed && <span className="muted">assumed to succeed: it asks a machine outside, or a person</span>}
            </div>
            {s.reason && <p>{s.reason}</p>}
            {(s.moves ?? []).length > 0 && (
              <ul>
                {s.moves!.map((m, i) => (
                  <li key={i}>{m}</li>
                ))}
              </ul>
            )}
            {(s.unresolved ?? []).map((u, i) => (
              <p key={i} data-tone="bad" className={css.unresolved}>
                {u}
              </p>
            ))}
            {(s.values ?? []).length > 0 && (
              <details>
                <summary>{s.values!.length === 1 ? '1 value' : `${s.values!.length} values`}</summary>
                <dl className={css.values}>
                  {s.values!.map((v, i) => (
                    <div key={i}>
                      <dt>
                        <code>{v.path}</code>
                      </dt>
                      <dd>
                        <code>{v.expression}</code> = <code>{JSON.stringify(v.value)}</code>
                      </dd>
                    </div>
                  ))}
                </dl>
              </details>
            )}
          </li>
        ))}
      </ol>
    </section>
  )
}
