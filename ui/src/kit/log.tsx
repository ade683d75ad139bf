// What instances and jobs write, as they write it.
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useReducer, useRef, useState, type ReactNode } from 'react'
import { ApiError, failure } from '~/api/client'
import { Button } from './button'
import { Checkbox, Input } from './field'
import { all, append, matching, nothing, type Log } from './lines'
import css from './log.module.css'
import { ErrorBox } from './state'
import { useSay } from './toast'

/** How long until one that has not begun to write is asked again, in milliseconds. */
const patience = 2_000

type Following = { log: Log; state: 'following' | 'ended' | 'paused'; error?: unknown }

/** follow reads a stream of text until it ends, and hands on what came about ten times a second. */
async function follow(url: string, signal: AbortSignal, got: (chunk: string) => void): Promise<void> {
  const res = await fetch(url, { signal, cache: 'no-store' })
  if (!res.ok || !res.body) throw failure(res.status, await res.json().catch(() => undefined))
  const text = res.body.pipeThrough(new TextDecoderStream()).getReader()
  let held = ''
  let timer: ReturnType<typeof setTimeout> | undefined
  const flush = () => {
    timer = undefined
    if (held && !signal.aborted) got(held)
    held = ''
  }
  for (;;) {
    const { done, value } = await text.read()
    if (done) break
    held += value
    timer ??= setTimeout(flush, 100)
  }
  clearTimeout(timer)
  flush()
}

function useLog(url: string, paused: boolean, begins: boolean): Following {
  const [log, add] = useReducer((was: Log, chunk: string | null) => (chunk === null ? nothing : append(was, chunk)), nothing)
  const [state, setState] = useState<'following' | 'ended'>('following')
  const [error, setError] = useState<unknown>()
  const [attempt, again] = useReducer((n: number) => n + 1, 0)
  useEffect(() => {
    if (paused) return
    const stop = new AbortController()
    add(null)
    setState('following')
    setError(undefined)
    follow(url, stop.signal, add)
      .then(() => setState('ended'))
      .catch((e: unknown) => {
        if (stop.signal.aborted) return
        setError(e instanceof ApiError ? e : new ApiError(0, 'The log broke off.', 'Pause and follow again to go on.'))
        setState('ended')
      })
    return () => stop.abort()
  }, [url, paused, attempt])
  const awaited = begins && !paused && state === 'ended' && error === undefined && log === nothing
  useEffect(() => {
    if (!awaited) return
    const timer = setTimeout(again, patience)
    return () => clearTimeout(timer)
  }, [awaited])
  return { log, state: paused ? 'paused' : awaited ? 'following' : state, error }
}

type Props = {
  /** Answers with a stream of text. */
  url: string
  /** Whether what writes it may not have begun yet. */
  begins?: boolean
  /** What stands before the search. */
  children?: ReactNode
}

export default function LogView({ url, begins = false, children }: Props) {
  const [paused, setPaused] = useState(false)
  const { log, state, error } = useLog(url, paused, begins)
  const lines = useMemo(() => (state === 'following' ? log.lines : all(log)), [log, state])
  const [wrap, setWrap] = useState(false)
  const [q, setQ] = useState('')
  const say = useSay()
  const found = useMemo(() => (q ? new Set(matching(lines, q)) : undefined), [lines, q])
  const shown = useMemo(() => (found ? lines.filter((_, i) => found.has(i)) : lines), [lines, found])
  return (
    <div className={css.logs}>
      <div className={css.bar}>
        {children}
        <Input type="search" placeholder="Search" aria-label="Search in the log" value={q} onChange={(e) => setQ(e.target.value)} />
        <Button small onClick={() => setPaused(!paused)}>
          {paused ? 'Follow' : 'Pause'}
        </Button>
        <Button small onClick={() => void navigator.clipboard.writeText(shown.join('\n')).then(() => say.done(`${shown.length} lines were copied.`), say.failed)}>
          Copy
        </Button>
        <Checkbox label="Wrap" checked={wrap} onChange={(e) => setWrap(e.target.checked)} />
      </div>
      {error !== undefined && <ErrorBox error={error} />}
      <Lines lines={shown} wrap={wrap} follow={state === 'following' && !q} />
      <p className={css.foot} role="status">
        {state === 'following' ? 'Following' : state === 'paused' ? 'Paused' : 'Ended'} · {q && `${shown.length} of `}
        {lines.length === 1 ? '1 line' : `${lines.length} lines`}
        {log.dropped > 0 && `, ${log.dropped.toLocaleString()} older ones dropped`}
      </p>
    </div>
  )
}

function Lines({ lines, wrap, follow: sticks }: { lines: string[]; wrap: boolean; follow: boolean }) {
  const box = useRef<HTMLDivElement>(null)
  const [atEnd, setAtEnd] = useState(true)
  const rows = useVirtualizer({ count: lines.length, getScrollElement: () => box.current, estimateSize: () => 18, overscan: 20 })
  useEffect(() => {
    if (sticks && atEnd && lines.length > 0) rows.scrollToIndex(lines.length - 1, { align: 'end' })
  }, [rows, lines, sticks, atEnd])
  return (
    <div
      ref={box}
      className={css.lines}
      data-wrap={wrap || undefined}
      role="log"
      aria-live="off"
      aria-label="Log"
      tabIndex={0}
      onScroll={(e) => setAtEnd(e.currentTarget.scrollHeight - e.currentTarget.scrollTop - e.currentTarget.clientHeight < 40)}
    >
      {lines.length === 0 && <p className={css.none}>Nothing was written.</p>}
      <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
        {rows.getVirtualItems().map((r) => (
          <div key={r.key} data-index={r.index} ref={rows.measureElement} className={css.line} style={{ transform: `translateY(${r.start}px)` }}>
            {lines[r.index] || ' '}
          </div>
        ))}
      </div>
    </div>
  )
}
