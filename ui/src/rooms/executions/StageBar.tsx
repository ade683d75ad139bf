import type { CSSProperties } from 'react'
import { duration, useNow } from '~/kit/time'
import { StatusIcon, toneOf, wordOf } from '~/kit/status'
import type { Execution, Stage } from '~/api/queries'
import { bar } from './bar'
import css from './bar.module.css'
import { isEnded } from './stages'

type Props = { x: Execution; selected?: string; onOpen: (stage: Stage) => void; tall?: boolean }

/** StageBar shows the stages of an execution as parts of a bar, as wide as they took; running ones grow. */
export function StageBar(props: Props) {
  return isEnded(props.x.status) ? <Bar {...props} now={props.x.endTime ?? 0} /> : <LiveBar {...props} />
}

function LiveBar(props: Props) {
  return <Bar {...props} now={useNow()} />
}

function Bar({ x, selected, onOpen, tall, now }: Props & { now: number }) {
  const parts = bar(x, now)
  return (
    <ol className={css.bar} style={{ '--parts': parts.length } as CSSProperties} data-tall={tall || undefined} aria-label={`Stages of ${x.name ?? 'the execution'}`}>
      {parts.map((p) => {
        const name = p.count === 1 ? p.stage.name : `${p.count} stages from ${p.stage.name}`
        const said = `${name}: ${wordOf(p.status)}${p.took === undefined ? '' : `, ${duration(p.took)}`}`
        return (
          <li key={p.stage.id} style={{ flexGrow: p.weight }} data-tone={toneOf(p.status)} data-status={p.status}>
            <button type="button" className={css.part} title={said} aria-label={said} aria-pressed={p.stage.id === selected} onClick={() => onOpen(p.stage)}>
              {tall && <span>{name}</span>}
            </button>
          </li>
        )
      })}
    </ol>
  )
}

/** StepList names the parts of the bar, with the share of the time that each took. */
export function StepList({ x, selected, onOpen, now }: { x: Execution; selected?: string; onOpen: (stage: Stage) => void; now: number }) {
  const parts = bar(x, now)
  const total = parts.reduce((sum, p) => sum + (p.took ?? 0), 0)
  return (
    <ol className={css.steps} aria-label="Stages by their share of the time">
      {parts.map((p) => (
        <li key={p.stage.id}>
          <button type="button" className={css.step} aria-pressed={p.stage.id === selected} onClick={() => onOpen(p.stage)}>
            <StatusIcon status={p.status} size={14} />
            <span>{p.count === 1 ? p.stage.name : `${p.count} stages from ${p.stage.name}`}</span>
            {p.took !== undefined && (
              <>
                <span className={css.figure}>{duration(p.took)}</span>
                <span className={css.figure}>{total > 0 ? `${Math.round((100 * p.took) / total)} %` : ''}</span>
              </>
            )}
          </button>
        </li>
      ))}
    </ol>
  )
}
