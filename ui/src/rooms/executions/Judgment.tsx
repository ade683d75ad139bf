// A judgment where it is needed: what is asked, and the two answers.
import { useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { asError } from '~/api/client'
import { execution, type Execution, type Stage } from '~/api/queries'
import { Button } from '~/kit/button'
import { Select } from '~/kit/field'
import { ErrorBox } from '~/kit/state'
import { StatusIcon } from '~/kit/status'
import { Ago, Took } from '~/kit/time'
import { useAct } from './act'
import { readInstructions } from './instructions'
import css from './judgment.module.css'
import { isJudging } from './stages'

/** Judgments asks for all judgments that an execution waits for. It reads the execution, for lists have no contexts. */
export function Judgments({ id }: { id: string }) {
  const { data } = useQuery(execution(id))
  return data?.stages.filter(isJudging).map((s) => <JudgmentBox key={s.id} x={data} stage={s} />)
}

/** JudgmentBox asks for one. */
export function JudgmentBox({ x, stage }: { x: Execution; stage: Stage }) {
  const act = useAct()
  const id = useId()
  const inputs = inputsOf(stage)
  const [input, setInput] = useState('')
  const [busy, setBusy] = useState<'continue' | 'stop'>()
  const [error, setError] = useState<unknown>()
  const judge = async (judgmentStatus: 'continue' | 'stop') => {
    setBusy(judgmentStatus)
    setError(undefined)
    try {
      await act.judge(x.id, stage.id, { judgmentStatus, judgmentInput: input || undefined })
    } catch (e) {
      setError(e)
    } finally {
      setBusy(undefined)
    }
  }
  const { instructions, propagateAuthenticationContext } = stage.context
  return (
    <section className={css.judgment} aria-labelledby={id} data-tone="wait">
      <header>
        <StatusIcon status="WAITING" label="" />
        <strong id={id}>{stage.name}</strong>
        <span className="muted">
          waiting for <Took from={stage.startTime} />
        </span>
      </header>
      {typeof instructions === 'string' && <Instructions source={instructions} />}
      <div className={css.answer}>
        {inputs.length > 0 && (
          <label>
            Answer{' '}
            <Select value={input} onChange={(e) => setInput(e.target.value)}>
              <option value="">none</option>
              {inputs.map((i) => (
                <option key={i}>{i}</option>
              ))}
            </Select>
          </label>
        )}
        <Button kind="primary" busy={busy === 'continue'} disabled={busy !== undefined} onClick={() => void judge('continue')}>
          Continue
        </Button>
        <Button kind="danger" busy={busy === 'stop'} disabled={busy !== undefined} onClick={() => void judge('stop')}>
          Stop
        </Button>
        {propagateAuthenticationContext === true && <span className="muted">The stages behind it run as you.</span>}
      </div>
      {error !== undefined && <ErrorBox error={asError(error)} />}
    </section>
  )
}

/** Judged says who judged, and what. */
export function Judged({ stage }: { stage: Stage }) {
  const { judgmentStatus, judgmentInput } = stage.context
  if (stage.type !== 'manualJudgment' || typeof judgmentStatus !== 'string' || judgmentStatus === '') return null
  return (
    <p>
      {stage.lastModified?.user ?? 'Somebody'} judged to {judgmentStatus.toLowerCase()}
      {typeof judgmentInput === 'string' && judgmentInput !== '' && <> with “{judgmentInput}”</>}
      {stage.lastModified?.lastModifiedTime ? (
        <>
          , <Ago at={stage.lastModified.lastModifiedTime} />
        </>
      ) : null}
      .
    </p>
  )
}

function inputsOf(stage: Stage): string[] {
  const { judgmentInputs } = stage.context
  return Array.isArray(judgmentInputs) ? judgmentInputs.map((i: { value?: unknown }) => i?.value).filter((v): v is string => typeof v === 'string' && v !== '') : []
}

function Instructions({ source }: { source: string }) {
  return (
    <div className={css.instructions}>
      {readInstructions(source).map((b, i) => (
        <p key={i} data-item={b.kind === 'li' || undefined}>
          {b.pieces.map((p, k) => {
            switch (p.kind) {
              case 'link':
                return (
                  <a key={k} href={p.href} target="_blank" rel="noreferrer noopener">
                    {p.text}
                  </a>
                )
              case 'strong':
                return <strong key={k}>{p.text}</strong>
              case 'em':
                return <em key={k}>{p.text}</em>
              case 'code':
                return <code key={k}>{p.text}</code>
              case 'text':
                return p.text
            }
          })}
        </p>
      ))}
    </div>
  )
}
