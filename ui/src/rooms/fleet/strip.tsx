// A strip of instance boxes. It is one picture; what is under the pointer, or
// under the arrow keys, is told beside it.
import { memo, useMemo, useState, type KeyboardEvent, type PointerEvent } from 'react'
import { createPortal } from 'react-dom'
import { toneOf, wordOf } from '~/kit/status'
import { at, changed, counted, draw, extent, pitch, place, type Box } from './boxes'
import css from './strip.module.css'

type Props = { boxes: Box[]; columns: number; label: string; onOpen: (name: string) => void }
type Pointed = { index: number; x: number; y: number }

/** Strip shows instances; click or Enter opens the one that is pointed at. */
export const Strip = memo(function Strip({ boxes, columns, label, onOpen }: Props) {
  const [pointed, setPointed] = useState<Pointed>()
  const drawn = useMemo(() => draw(boxes, columns), [boxes, columns])
  const fresh = useFresh(boxes)
  const { width, height } = extent(boxes.length, columns)
  if (boxes.length === 0) return <span className="muted">no instances</span>
  const box = pointed && boxes[pointed.index]
  const point = (index: number, from: Element) => {
    const frame = from.getBoundingClientRect()
    const { x, y } = place(index, columns)
    setPointed({ index, x: frame.left + x, y: frame.top + y + pitch })
  }
  const move = (e: PointerEvent<HTMLButtonElement>) => {
    const frame = e.currentTarget.getBoundingClientRect()
    const index = at(e.clientX - frame.left, e.clientY - frame.top, boxes.length, columns)
    if (index < 0) setPointed(undefined)
    else if (index !== pointed?.index) point(index, e.currentTarget)
  }
  const key = (e: KeyboardEvent<HTMLButtonElement>) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[e.key]
    if (by === undefined) return
    e.preventDefault()
    const next = pointed ? pointed.index + by : 0
    if (next >= 0 && next < boxes.length) point(next, e.currentTarget)
  }
  return (
    <button
      type="button"
      className={css.strip}
      style={{ width, height }}
      aria-label={box ? `${box.name}, ${wordOf(box.state)}, ${(pointed?.index ?? 0) + 1} of ${boxes.length}` : `Instances of ${label}: ${counted(boxes, wordOf)}`}
      onPointerMove={move}
      onPointerLeave={() => setPointed(undefined)}
      onBlur={() => setPointed(undefined)}
      onKeyDown={key}
      onClick={(e) => {
        e.stopPropagation()
        onOpen(box?.name ?? '')
      }}
    >
      <svg width={width} height={height} aria-hidden>
        {drawn.map((d) => (
          <g key={d.state} data-tone={d.tone}>
            {d.solid && <path d={d.solid} className={css.solid} />}
            {d.line && <path d={d.line} className={css.line} />}
          </g>
        ))}
        {fresh.map((f) => {
          const i = boxes.findIndex((b) => b.name === f.name)
          if (i < 0) return null
          const { x, y } = place(i, columns)
          return <rect key={`${f.name} ${f.turn}`} x={x - 1} y={y - 1} width={pitch - 1} height={pitch - 1} rx={2} className={css.fresh} data-tone={toneOf(f.state)} />
        })}
        {pointed && box && <rect x={place(pointed.index, columns).x - 0.5} y={place(pointed.index, columns).y - 0.5} width={pitch - 2} height={pitch - 2} className={css.pointed} />}
      </svg>
      {pointed && box && createPortal(<Hint box={box} x={pointed.x} y={pointed.y} />, document.body)}
    </button>
  )
})

function Hint({ box, x, y }: { box: Box; x: number; y: number }) {
  return (
    <div className={css.hint} style={{ left: Math.min(x, globalThis.innerWidth - 260), top: y + 2 }} data-tone={toneOf(box.state)} role="presentation">
      <b>{box.name}</b> <span className={css.state}>{wordOf(box.state)}</span>
    </div>
  )
}

type Fresh = Box & { turn: number }

/** useFresh returns the boxes that changed with the last render that brought others. */
function useFresh(boxes: Box[]): Fresh[] {
  const [known, setKnown] = useState<{ boxes: Box[]; fresh: Fresh[]; turn: number }>({ boxes, fresh: [], turn: 0 })
  if (known.boxes === boxes) return known.fresh
  const fresh = changed(known.boxes, boxes).flatMap((i) => (boxes[i] ? [{ ...boxes[i], turn: known.turn + 1 }] : []))
  setKnown({ boxes, fresh, turn: known.turn + 1 })
  return fresh
}
