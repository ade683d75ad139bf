import { memo, useState, type PointerEvent } from 'react'
import { duration } from './time'
import { toneOf, wordOf, type Tone } from './status'
import css from './spark.module.css'

/** Run is one bar of a sparkline. Times are milliseconds since 1970. */
export type Run = { id: string; status: string; startTime?: number | null; endTime?: number | null; name?: string }

const most = 30
/** How far apart bars are, in the units of the picture, which are pixels. */
const step = 4
const foot = 23

/** heights gives each run 20 to 100 % after how long it took, on a root scale. Pure. */
export function heights(runs: Run[]): number[] {
  const took = runs.map((r) => (r.startTime && r.endTime ? r.endTime - r.startTime : 0))
  const longest = Math.max(1, ...took)
  return took.map((t) => Math.round(20 + 80 * Math.sqrt(t / longest)))
}

/** bars draws all runs of a tone as one path, since lists show thousands of them. Pure. */
export function bars(runs: Run[]): Map<Tone, string> {
  const tall = heights(runs)
  const out = new Map<Tone, string>()
  runs.forEach((r, i) => {
    const tone = toneOf(r.status)
    const top = foot - ((tall[i] ?? 20) * 22) / 100
    out.set(tone, `${out.get(tone) ?? ''}M${(most - runs.length + i) * step} ${top}h3V${foot}h-3z`)
  })
  return out
}

const said = (r: Run) => `${r.name ? `${r.name}: ` : ''}${wordOf(r.status)}${r.startTime && r.endTime ? `, ${duration(r.endTime - r.startTime)}` : ''}`

/** Sparkline shows the last runs, oldest first: height is duration; colour and the foot's form are the status. */
export const Sparkline = memo(function Sparkline({ runs, width = 124 }: { runs: Run[]; width?: number }) {
  const [at, setAt] = useState(-1)
  const shown = runs.slice(-most)
  const ok = shown.filter((r) => r.status === 'SUCCEEDED').length
  const name = shown.length === 0 ? 'No runs yet' : `The last ${shown.length} runs: ${ok} succeeded`
  const pointed = shown[at]
  const point = (e: PointerEvent<SVGSVGElement>) => {
    const fromRight = e.currentTarget.getBoundingClientRect().right - e.clientX
    setAt(shown.length - 1 - Math.floor(fromRight / step))
  }
  return (
    <svg className={css.spark} width={width} height={24} viewBox={`0 0 ${most * step} 24`} role="img" aria-label={name} preserveAspectRatio="xMaxYMid meet" onPointerMove={point} onPointerLeave={() => setAt(-1)}>
      <title>{pointed ? said(pointed) : name}</title>
      {[...bars(shown)].map(([tone, d]) => (
        <path key={tone} d={d} data-tone={tone} className={tone === 'bad' ? css.bad : css.bar} />
      ))}
      <path className={css.foot} d={shown.map((r, i) => (toneOf(r.status) === 'bad' ? `M${(most - shown.length + i) * step} 23.5h3` : '')).join('')} />
    </svg>
  )
})
