// What instances write, as they write it.
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useReducer, useRef, useState } from 'react'
import { ApiError, failure } from '~/api/client'
import { Button } from '~/kit/button'
import { Checkbox, Input, Select } from '~/kit/field'
import { ErrorBox } from '~/kit/state'
import { useSay } from '~/kit/toast'
import { append, matching, nothing, type Log } from './lines'
import css from './logs.module.css'
import { bare, type Ref } from './model'

type Props = { at: Ref; instance?: string; instances: string[]; onInstance: (name: string | undefined) => void }

/** How many instances one can choose from; more are opened from the strip. */
const mostChoices = 200

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

function useLog(url: string, paused: boolean): Following {
  const [log, add] = useReducer((was: Log, chunk: string | null) => (chunk === null ? nothing : append(was, chunk)), nothing)
  const [state, setState] = useState<'following' | 'ended'>('following')
  const [error, setError] = useState<unknown>()
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
  }, [url, paused])
  return { log, state: paused ? 'paused' : state, error }
}

export default function Logs({ at, instance, instances, onInstance }: Props) {
  const query = new URLSearchParams({ follow: 'true', tail: String(256 << 10), ...(instance && { instance }) })
  const [paused, setPaused] = useState(false)
  const { log, state, error } = useLog(`/api/v1/server-groups/${[at.account, at.region, at.name].map(encodeURIComponent).join('/')}/logs?${query}`, paused)
  const [wrap, setWrap] = useState(false)
  const [q, setQ] = useState('')
  const say = useSay()
  const found = useMemo(() => (q ? new Set(matching(log.lines, q)) : undefined), [log.lines, q])
  const shown = useMemo(() => (found ? log.lines.filter((_, i) => found.has(i)) : log.lines), [log.lines, found])
  return (
    <div className={css.logs}>
      <div className={css.bar}>
        <Select aria-label="Instance" value={instance ?? ''} onChange={(e) => onInstance(e.target.value || undefined)}>
          <option value="">All instances</option>
          {[...new Set([...(instance ? [instance] : []), ...instances.slice(0, mostChoices)])].map((name) => (
            <option key={name} value={name}>
              {bare(name)}
            </option>
          ))}
        </Select>
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
        {state === 'following' ? 'Following' : state === 'paused' ? 'Paused' : 'Ended'} · {q ? `${shown.length} of ${log.lines.length} lines` : `${log.lines.length} lines`}
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
