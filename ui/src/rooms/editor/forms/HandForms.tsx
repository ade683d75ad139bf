// Forms by hand for the stages that people write most. What they leave out is in
// the form of the schema behind them.
import { Field } from '~/kit/field'
import { useEditing, useValue } from '../editing'
import { get, isObject } from '../document'
import type { Path } from '../path'
import { fieldsOf, type Field as Is } from '../schema'
import { DeployForm } from './DeployForm'
import { ManifestForm } from './ManifestForm'
import { Row, SchemaForm } from './SchemaForm'
import css from './forms.module.css'
import { TextInput } from './values'

export type HandProps = { base: Path; fields: Map<string, Is> }

type Hand = {
  Form: (props: HandProps) => React.ReactNode
  /** Keys that the form shows. */
  keys: readonly string[]
}

const hands: Record<string, Hand> = {
  wait: { Form: WaitForm, keys: ['waitTime', 'skipRemainingWait'] },
  manualJudgment: { Form: JudgmentForm, keys: ['instructions', 'judgmentInputs', 'propagateAuthenticationContext', 'judgmentStatus', 'judgmentInput'] },
  webhook: {
    Form: WebhookForm,
    keys: ['url', 'method', 'payload', 'customHeaders', 'account', 'failFastStatusCodes', 'waitForCompletion', 'waitBeforeMonitor', 'statusUrlResolution', 'statusUrlJsonPath', 'statusJsonPath', 'progressJsonPath', 'successStatuses', 'canceledStatuses', 'terminalStatuses'],
  },
  deploy: { Form: DeployForm, keys: ['clusters'] },
  deployManifest: { Form: ManifestForm, keys: ['account', 'cloudProvider', 'source', 'manifests', 'manifest', 'manifestArtifactId', 'namespaceOverride', 'moniker', 'skipExpressionEvaluation', 'trafficManagement'] },
}

/** TypeForm is the form of a stage's own fields. */
export function TypeForm({ base, type, common }: { base: Path; type: string; common: readonly string[] }) {
  const { catalog } = useEditing()
  const found = catalog.find(type)
  const fields = found ? fieldsOf(found.schema) : []
  const hand = hands[found?.type ?? type]
  if (!hand) return <SchemaForm base={base} fields={fields} hidden={common} />
  const rest = fields.filter((f) => !hand.keys.includes(f.key))
  return (
    <>
      <div className={css.fields}>
        <hand.Form base={base} fields={new Map(fields.map((f) => [f.key, f]))} />
      </div>
      <details className={css.details}>
        <summary>All fields</summary>
        <SchemaForm base={base} fields={rest} hidden={[...common, ...hand.keys]} />
      </details>
    </>
  )
}

/** Rows shows those of the fields that there are. */
export function Rows({ base, fields, keys, names = {} }: HandProps & { keys: readonly string[]; names?: Record<string, string> }) {
  return keys.flatMap((k) => {
    const field = fields.get(k)
    return field ? [<Row key={k} base={base} field={field} name={names[k]} />] : []
  })
}

function WaitForm({ base, fields }: HandProps) {
  return <Rows base={base} fields={fields} keys={['waitTime']} names={{ waitTime: 'Seconds' }} />
}

function JudgmentForm({ base, fields }: HandProps) {
  const { value, change, wrong } = useValue([...base, 'instructions'])
  const inputs = useValue([...base, 'judgmentInputs'])
  const answers = (Array.isArray(inputs.value) ? inputs.value : []).map((i) => (isObject(i) ? String(i.value ?? '') : String(i)))
  const text: Is = { key: 'instructions', kind: 'text', description: '', choices: [], schema: {} }
  return (
    <>
      <Field label="Instructions" hint="What the person should look at. Markdown, and expressions." error={wrong[0]?.message}>
        {(p) => <textarea {...p} className={css.instructions} rows={4} value={typeof value === 'string' ? value : ''} onChange={(e) => change(e.target.value === '' ? undefined : e.target.value)} />}
      </Field>
      <Field label="Answers" hint="Separated by commas. With none, one goes on or stops. Later stages ask for the answer with #judgment('name').">
        {(p) => (
          <TextInput
            field={text}
            attributes={p}
            value={answers.join(', ')}
            placeholder="roll back, keep"
            onChange={(v) => inputs.change(v === undefined ? [] : String(v).split(/,\s?/).map((a) => ({ value: a })))}
          />
        )}
      </Field>
      <Rows base={base} fields={fields} keys={['propagateAuthenticationContext']} />
    </>
  )
}

const monitored = ['waitBeforeMonitor', 'statusUrlResolution', 'statusJsonPath', 'successStatuses', 'canceledStatuses', 'terminalStatuses', 'progressJsonPath']

function WebhookForm({ base, fields }: HandProps) {
  const { doc } = useEditing()
  const at = (key: string) => get(doc, [...base, key])
  const method: Is = { key: 'method', kind: 'choice', choices: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'], description: '', standard: 'POST', schema: {} }
  const sends = !['GET', 'HEAD'].includes(String(at('method')))
  const waits = at('waitForCompletion') === true || at('waitForCompletion') === 'true'
  return (
    <>
      <Rows base={base} fields={fields} keys={['url']} names={{ url: 'URL' }} />
      <Row base={base} field={method} />
      <Rows base={base} fields={fields} keys={[...(sends ? ['payload'] : []), 'customHeaders', 'failFastStatusCodes', 'waitForCompletion']} names={{ customHeaders: 'Headers', payload: 'Body' }} />
      {waits && <Rows base={base} fields={fields} keys={at('statusUrlResolution') === 'webhookResponse' ? [...monitored, 'statusUrlJsonPath'] : monitored} />}
    </>
  )
}
