// The stages of an execution over time: what each did when, and which of them
// made it take as long as it did.
import { useMemo } from 'react'
import type { Execution } from '~/api/queries'
import { VirtualList } from '~/kit/list'
import { StatusIcon, toneOf, wordOf } from '~/kit/status'
import { duration } from '~/kit/time'
import { statusOfStage, tree, type Row } from './stages'
import { kindNames, tickName, ticks, type Kind, type Timed, type Timing } from './timing'
import css from './waterfall.module.css'

type Props = { x: Execution; timing: Timing; waiting: ReadonlySet<string>; selected?: string; onSelect: (stage: string) => void }

const rowHeight = 30
const tallest = 560

export function Waterfall({ x, timing, waiting, selected, onSelect }: Props) {
  const rows = useMemo(() => tree(x.stages), [x.stages])
  const total = Math.max(1, timing.to - timing.from)
  const used = (Object.keys(kindNames) as Kind[]).filter((k) => timing.totals[k] > 0 || [...timing.stages.values()].some((s) => s.segments.some((g) => g.kind === k)))
  return (
    <div className={css.waterfall}>
      <div className={css.axis} aria-hidden>
        {ticks(total).map((t) => (
          <span key={t} style={{ left: `${(100 * t) / total}%` }}>
            {tickName(t)}
          </span>
        ))}
      </div>
      <div className={css.rows} style={{ height: Math.min(tallest, rows.length * rowHeight) }}>
        <VirtualList items={rows} label="Stages over time" rowKey={keyOf} height={() => rowHeight} selected={selected} onSelect={(r) => onSelect(r.stage.id)}>
          {(r) => <Line row={r} status={statusOfStage(r.stage, waiting)} timed={timing.stages.get(r.stage.id)} from={timing.from} total={total} selected={r.stage.id === selected} onSelect={onSelect} />}
        </VirtualList>
      </div>
      <ul className={css.legend} aria-label="What the bars mean">
        {used.map((k) => (
          <li key={k}>
            <i data-kind={k} className={css.segment} />
            {kindNames[k]}
          </li>
        ))}
        <li>
          <i className={css.path} />
          critical path
        </li>
      </ul>
    </div>
  )
}

const keyOf = (r: Row) => r.stage.id

type LineProps = { row: Row; status: string; timed?: Timed; from: number; total: number; selected: boolean; onSelect: (stage: string) => void }

function Line({ row: { stage, depth }, status, timed, from, total, selected, onSelect }: LineProps) {
  const segments = timed?.segments ?? []
  const sums = new Map<Kind, number>()
  for (const g of segments) sums.set(g.kind, (sums.get(g.kind) ?? 0) + g.to - g.from)
  const said = [...sums].map(([k, ms]) => `${kindNames[k]} ${duration(ms)}`).join(', ')
  const busy = segments.filter((g) => g.kind !== 'queued')
  const took = busy.length > 0 ? busy.at(-1)!.to - busy[0]!.from : undefined
  return (
    <button
      type="button"
      className={css.line}
      aria-pressed={selected}
      aria-label={`${stage.name}: ${wordOf(status)}${said && `, ${said}`}${timed?.critical ? ', on the critical path' : ''}`}
      title={said || wordOf(status)}
      onClick={() => onSelect(stage.id)}
    >
      <span className={css.name} style={{ paddingLeft: Math.min(depth, 6) * 14 }} data-critical={timed?.critical || undefined}>
        <StatusIcon status={status} size={14} label="" />
        <span>{stage.name}</span>
      </span>
      <span className={css.track}>
        {segments.map((g, i) => (
          <i key={i} data-kind={g.kind} data-tone={g.kind === 'running' ? toneOf(stage.status) : undefined} className={css.segment} style={{ left: `${(100 * (g.from - from)) / total}%`, width: `${(100 * (g.to - g.from)) / total}%` }} />
        ))}
        {timed?.critical && busy.length > 0 && <i className={css.path} style={{ left: `${(100 * (busy[0]!.from - from)) / total}%`, width: `${(100 * took!) / total}%` }} />}
      </span>
      <span className={css.took}>{took === undefined ? '' : duration(took)}</span>
    </button>
  )
}
