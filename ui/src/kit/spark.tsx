import { duration } from './time'
import { toneOf, wordOf } from './status'
import css from './spark.module.css'

/** Run is one bar of a sparkline. Times are milliseconds since 1970. */
export type Run = { id: string; status: string; startTime?: number | null; endTime?: number | null; name?: string }

const most = 30

/** heights gives each run 20 to 100 % after how long it took, on a root scale. Pure. */
export function heights(runs: Run[]): number[] {
  const took = runs.map((r) => (r.startTime && r.endTime ? r.endTime - r.startTime : 0))
  const longest = Math.max(1, ...took)
  return took.map((t) => Math.round(20 + 80 * Math.sqrt(t / longest)))
}

/** Sparkline shows the last runs, oldest first: height is duration; colour and the foot's form are the status. */
export function Sparkline({ runs, width = 124 }: { runs: Run[]; width?: number }) {
  const shown = runs.slice(-most)
  const tall = heights(shown)
  const ok = shown.filter((r) => r.status === 'SUCCEEDED').length
  const name = shown.length === 0 ? 'No runs yet' : `The last ${shown.length} runs: ${ok} succeeded`
  return (
    <svg className={css.spark} width={width} height={24} viewBox={`0 0 ${most * 4} 24`} role="img" aria-label={name} preserveAspectRatio="xMaxYMid meet">
      {shown.map((r, i) => {
        const x = (most - shown.length + i) * 4
        const h = ((tall[i] ?? 20) * 22) / 100
        return (
          <g key={r.id} data-tone={toneOf(r.status)}>
            <title>{`${r.name ? `${r.name}: ` : ''}${wordOf(r.status)}${r.startTime && r.endTime ? `, ${duration(r.endTime - r.startTime)}` : ''}`}</title>
            <rect x={x} y={23 - h} width={3} height={h} className={toneOf(r.status) === 'bad' ? css.bad : css.bar} />
            {toneOf(r.status) === 'bad' && <path d={`M${x} 23.5h3`} className={css.foot} />}
          </g>
        )
      })}
    </svg>
  )
}
