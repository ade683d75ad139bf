// Help with expressions: what can be named, what can be called, and what comes out.
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api, must, type Schemas } from '~/api/client'
import { execution } from '~/api/queries'
import { Button } from '~/kit/button'
import { Field, Input, Select, TextArea } from '~/kit/field'
import { ErrorBox, Loaded } from '~/kit/state'
import { wordOf } from '~/kit/status'
import { Json } from '~/kit/code'
import { useEditing } from './editing'
import css from './editor.module.css'
import { language, recent } from './queries'
import { scope } from './scope'

export function ExpressionPanel({ stage, pipeline }: { stage?: string; pipeline?: string }) {
  const { doc } = useEditing()
  const [text, setText] = useState('${ }')
  const [filter, setFilter] = useState('')
  const known = useQuery(language())
  const has = (t: string) => t.toLowerCase().includes(filter.toLowerCase())
  const names = scope(doc, stage).filter((n) => has(`${n.expression} ${n.says}`))
  return (
    <div className={css.expressions}>
      <div className={css.names}>
        <Input aria-label="Find a name or a function" placeholder="Find a name or a function" value={filter} onChange={(e) => setFilter(e.target.value)} />
        <ul>
          {names.map((n) => (
            <li key={n.expression}>
              <button type="button" onClick={() => setText(n.expression)}>
                <code>{n.expression}</code> <span className="muted">{n.says}</span>
              </button>
            </li>
          ))}
          <Loaded query={known}>
            {(l) => (
              <>
                {l.functions.filter((f) => has(f.name)).map((f) => (
                  <li key={f.name}>
                    <button type="button" onClick={() => setText(`\${#${f.name}()}`)}>
                      <code>#{f.name}</code> <span className="muted">{arguments_(f)}</span>
                    </button>
                  </li>
                ))}
              </>
            )}
          </Loaded>
        </ul>
      </div>
      <Try text={text} onText={setText} stage={stage} pipeline={pipeline} />
    </div>
  )
}

function arguments_({ min, max }: Schemas['FunctionBody']): string {
  if (max < 0) return `${min} or more arguments`
  if (min === max) return min === 1 ? '1 argument' : `${min} arguments`
  return `${min} to ${max} arguments`
}

/** Try evaluates a text in an execution of the past, as the stage saw it if it has one of that refId. */
function Try({ text, onText, stage, pipeline }: { text: string; onText: (text: string) => void; stage?: string; pipeline?: string }) {
  const { app } = useEditing()
  const past = useQuery({ ...recent(app, pipeline ?? ''), enabled: pipeline !== undefined })
  const [chosen, setChosen] = useState<string>()
  const id = chosen ?? past.data?.[0]?.id
  const run = useQuery({ ...execution(id ?? ''), enabled: id !== undefined })
  const [result, setResult] = useState<{ body: Schemas['EvaluationBody']; text: string }>()
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  if (!pipeline || (past.data && past.data.length === 0)) return <p className={css.nothing}>When the pipeline has run once, expressions can be tried on that execution.</p>
  const at = run.data?.stages.find((s) => s.refId === stage && !s.parentStageId)?.id
  const evaluate = async () => {
    if (!id) return
    setBusy(true)
    setError(undefined)
    try {
      const body = at
        ? await must(api.GET('/pipelines/{id}/{stage}/evaluateExpression', { params: { path: { id, stage: at }, query: { expression: text } } }))
        : await must(api.POST('/pipelines/{id}/evaluateExpression', { params: { path: { id } }, body: { expression: text } as never }))
      setResult({ body, text })
    } catch (e) {
      setResult(undefined)
      setError(e)
    } finally {
      setBusy(false)
    }
  }
  return (
    <form
      className={css.try}
      onSubmit={(e) => {
        e.preventDefault()
        void evaluate()
      }}
    >
      <Field label="Try an expression" hint={at ? 'As the stage that is selected saw it.' : 'As a stage behind all others would see it.'}>
        {(p) => (
          <TextArea
            {...p}
            rows={2}
            className="mono"
            spellCheck={false}
            value={text}
            onChange={(e) => onText(e.target.value)}
            onKeyDown={(e) => {
              if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) void evaluate()
            }}
          />
        )}
      </Field>
      <div className={css.tools}>
        <Select aria-label="Execution to try it on" value={id ?? ''} onChange={(e) => setChosen(e.target.value)}>
          {(past.data ?? []).map((x) => (
            <option key={x.id} value={x.id}>
              {`${x.startTime ? new Date(x.startTime).toLocaleString() : x.id}, ${wordOf(x.status)}`}
            </option>
          ))}
        </Select>
        <Button kind="primary" type="submit" busy={busy} disabled={!id || text.trim() === ''}>
          Evaluate
        </Button>
      </div>
      {error !== undefined && <ErrorBox error={error} />}
      {result && <Result {...result} />}
    </form>
  )
}

/** Result is the value, or where in the text it has none, and why. */
function Result({ body, text }: { body: Schemas['EvaluationBody']; text: string }) {
  const bytes = new TextEncoder().encode(text)
  const findings = body.findings ?? []
  return (
    <div aria-live="polite">
      {findings.map((f, i) => {
        const before = new TextDecoder().decode(bytes.slice(0, f.offset))
        return (
          <p key={i} className={css.finding}>
            <span>
              At character {before.length + 1}: {f.message}
              {f.hint && <span className="muted"> {f.hint}</span>}
            </span>
            <code>
              {before}
              <mark>{text.slice(before.length) || ' '}</mark>
            </code>
          </p>
        )
      })}
      {findings.length === 0 && <Json value={body.result} label="Value" />}
    </div>
  )
}
