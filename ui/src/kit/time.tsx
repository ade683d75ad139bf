// Times and durations, and one clock for everything on the page that counts.
import { useSyncExternalStore } from 'react'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** duration writes milliseconds as people say them: 850 ms, 4.2 s, 3 min 05 s, 2 h 10 min, 3 d 4 h. */
export function duration(ms: number): string {
  if (ms < second) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 10 * second) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`
  if (ms < minute) return `${Math.floor(ms / second)} s`
  if (ms < hour) return `${Math.floor(ms / minute)} min ${String(Math.floor((ms % minute) / second)).padStart(2, '0')} s`
  if (ms < day) return `${Math.floor(ms / hour)} h ${String(Math.floor((ms % hour) / minute)).padStart(2, '0')} min`
  return `${Math.floor(ms / day)} d ${Math.floor((ms % day) / hour)} h`
}

/** ago writes how long ago a time is, in one unit. */
export function ago(ms: number): string {
  if (ms < 5 * second) return 'now'
  for (const [unit, name] of [
    [day, 'd'],
    [hour, 'h'],
    [minute, 'min'],
    [second, 's'],
  ] as const) {
    if (ms >= unit) return `${Math.floor(ms / unit)} ${name} ago`
  }
  return 'now'
}

/** Clock ticks once a second while somebody listens. */
class Clock {
  private listeners = new Set<() => void>()
  private timer: ReturnType<typeof setInterval> | undefined
  private at = Date.now()

  read = () => this.at

  listen = (f: () => void) => {
    if (this.listeners.size === 0) {
      this.at = Date.now()
      this.timer = setInterval(() => {
        this.at = Date.now()
        for (const l of this.listeners) l()
      }, second)
    }
    this.listeners.add(f)
    return () => {
      this.listeners.delete(f)
      if (this.listeners.size === 0) clearInterval(this.timer)
    }
  }
}

const clock = new Clock()

/** useNow returns the time in milliseconds, and renders anew every second. */
export function useNow(): number {
  return useSyncExternalStore(clock.listen, clock.read)
}

/** Ago shows how long ago a time (milliseconds since 1970) is, and on hover when. */
export function Ago({ at }: { at: number | null | undefined }) {
  const now = useNow()
  if (!at) return <span className="muted">–</span>
  return (
    <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
      {ago(now - at)}
    </time>
  )
}

/** Took shows how long something took, or has taken so far if it has no end. */
export function Took({ from, to }: { from: number | null | undefined; to?: number | null | undefined }) {
  if (!from) return <span className="muted">–</span>
  return to ? <>{duration(to - from)}</> : <Running from={from} />
}

function Running({ from }: { from: number }) {
  return <>{duration(useNow() - from)}</>
}
