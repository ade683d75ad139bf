// Draws a graph that can be moved, zoomed and walked through with keys. Nodes are
// HTML, edges SVG; moving changes one transform, and only nodes in sight are there.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react'
import { IconButton } from '../button'
import css from './graph.module.css'
import { layout, neighbour, type Direction, type GraphNode, type Layout, type Placed } from './layout'

export type { GraphNode } from './layout'

type Props<N extends GraphNode> = {
  nodes: readonly N[]
  /** Name of the graph, for those who do not see it. */
  label: string
  selected?: string
  /** Called by a click, and by Enter on a node. */
  onSelect: (id: string) => void
  /** What stands in a node; it fills the box of a node. */
  renderNode: (node: N, state: { selected: boolean }) => ReactNode
  /** Accessible name of a node. */
  nodeLabel: (node: N) => string
  /** Edges that stand out, as a critical path. */
  strong?: (from: string, to: string) => boolean
  /** Size of a node in pixels. */
  size?: { width: number; height: number }
  /** The box is as tall as the graph, up to so many pixels; without it fills the height that it is given. */
  tallest?: number
}

const usual = { width: 176, height: 44 }
const gap = { x: 36, y: 16 }
const margin = 24
/** Height of the buttons, which stand below the graph where there is room. */
const toolbar = 20
/** At first texts are of their own size, however large the graph is. */
const zooms = { least: 0.1, most: 2, first: 1 }

type View = { x: number; y: number; k: number }
type Range = { left: number; top: number; right: number; bottom: number }

/** Graph draws nodes and what they require, from left to right. */
export function Graph<N extends GraphNode>({ nodes, label, selected, onSelect, renderNode, nodeLabel, strong, size = usual, tallest }: Props<N>) {
  // What is drawn anew with each status stays where it is: the layout depends on the edges only.
  const shape = nodes.map((n) => `${n.id}<${n.requires.join(',')}`).join(';')
  const placed = useMemo(() => layout(nodes), [shape])

  const box = useRef<HTMLDivElement>(null)
  const plane = useRef<HTMLDivElement>(null)
  const view = useRef<View>({ x: margin, y: margin, k: 1 })
  const touched = useRef(false)
  const last = useRef(selected)
  const [range, setRange] = useState<Range>({ left: 0, top: 0, right: 2_000, bottom: 1_000 })
  const [focused, setFocused] = useState<string>()

  const cell = { x: size.width + gap.x, y: size.height + gap.y }
  const width = placed.columns * cell.x - gap.x
  const height = placed.rows * cell.y - gap.y
  const corner = (p: { x: number; y: number }) => ({ x: p.x * cell.x, y: p.y * cell.y })

  const show = useCallback((v: View) => {
    view.current = v
    const b = box.current
    if (!b || !plane.current) return
    plane.current.style.transform = `translate(${v.x}px, ${v.y}px) scale(${v.k})`
    // In steps, so that most moves render nothing.
    const step = 400
    const next = {
      left: Math.floor(-v.x / v.k / step - 1) * step,
      top: Math.floor(-v.y / v.k / step - 1) * step,
      right: Math.ceil((b.clientWidth - v.x) / v.k / step + 1) * step,
      bottom: Math.ceil((b.clientHeight - v.y) / v.k / step + 1) * step,
    }
    setRange((r) => (r.left === next.left && r.top === next.top && r.right === next.right && r.bottom === next.bottom ? r : next))
  }, [])

  const fit = useCallback(
    (least: number) => {
      const b = box.current
      if (!b) return
      const k = Math.max(least, Math.min(1, (b.clientWidth - 2 * margin) / width, (b.clientHeight - 2 * margin) / height))
      const centre = (space: number, need: number) => Math.max(margin, (space - need * k) / 2)
      show({ k, x: width * k > b.clientWidth ? margin : centre(b.clientWidth, width), y: centre(b.clientHeight, height) })
    },
    [show, width, height],
  )

  /** reveal moves a node that is out of sight to the middle. */
  const reveal = useCallback(
    (id: string) => {
      const b = box.current
      const p = placed.nodes.find((n) => n.id === id)
      if (!b || !p) return
      const v = view.current
      const nudge = (at: number, length: number, space: number) => (at < margin || at + length > space - margin ? (space - length) / 2 - at : 0)
      const dx = nudge(p.x * cell.x * v.k + v.x, size.width * v.k, b.clientWidth)
      const dy = nudge(p.y * cell.y * v.k + v.y, size.height * v.k, b.clientHeight)
      if (dx !== 0 || dy !== 0) show({ ...v, x: v.x + dx, y: v.y + dy })
    },
    [placed, show, cell.x, cell.y, size.width, size.height],
  )
  useLayoutEffect(() => {
    const b = box.current
    if (!b) return
    const see = () => {
      if (touched.current) return show(view.current)
      fit(zooms.first)
      if (last.current !== undefined) reveal(last.current)
    }
    see()
    const sizes = new ResizeObserver(see)
    sizes.observe(b)
    return () => sizes.disconnect()
  }, [fit, show, reveal])

  const zoom = useCallback(
    (by: number, at?: { x: number; y: number }) => {
      const b = box.current
      if (!b) return
      touched.current = true
      const v = view.current
      const p = at ?? { x: b.clientWidth / 2, y: b.clientHeight / 2 }
      const k = Math.min(zooms.most, Math.max(zooms.least, v.k * by))
      show({ k, x: p.x - ((p.x - v.x) * k) / v.k, y: p.y - ((p.y - v.y) * k) / v.k })
    },
    [show],
  )

  useEffect(() => {
    const b = box.current
    if (!b) return
    const wheel = (e: WheelEvent) => {
      if (e.ctrlKey || e.metaKey) {
        const r = b.getBoundingClientRect()
        zoom(Math.exp(-e.deltaY / 300), { x: e.clientX - r.left, y: e.clientY - r.top })
      } else if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) {
        touched.current = true
        show({ ...view.current, x: view.current.x - e.deltaX })
      } else return
      e.preventDefault()
    }
    b.addEventListener('wheel', wheel, { passive: false })
    return () => b.removeEventListener('wheel', wheel)
  }, [zoom, show])

  useEffect(() => {
    last.current = selected
    if (selected !== undefined) reveal(selected)
  }, [selected, reveal])

  const drag = useDrag(view, show, touched)
  const current = focused ?? selected ?? placed.nodes[0]?.id
  const keys = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return
    if (e.key === '+' || e.key === '=') zoom(1.25)
    else if (e.key === '-') zoom(0.8)
    else if (e.key === '0') fit(zooms.least)
    else if (e.key.startsWith('Arrow') && current !== undefined) {
      const next = neighbour(placed, current, e.key as Direction)
      if (next !== undefined) {
        setFocused(next)
        reveal(next)
      }
    } else return
    e.preventDefault()
  }
  // The node that keys led to gets the focus when it is there.
  useEffect(() => {
    if (focused === undefined || !box.current?.contains(document.activeElement)) return
    for (const node of plane.current?.querySelectorAll<HTMLElement>('[data-node]') ?? []) if (node.dataset.node === focused) node.focus({ preventScroll: true })
  }, [focused])

  const byID = useMemo(() => new Map(nodes.map((n) => [n.id, n])), [nodes])
  const seen = (p: Placed) => {
    const c = corner(p)
    return p.id === current || (c.x < range.right && c.x + size.width > range.left && c.y < range.bottom && c.y + size.height > range.top)
  }
  return (
    <div ref={box} className={css.graph} style={tallest === undefined ? undefined : { height: Math.min(tallest, height + 2 * margin + toolbar) }} role="group" aria-label={label} onKeyDown={keys} {...drag}>
      <div ref={plane} className={css.plane} style={{ width, height }}>
        <Edges of={placed} size={size} strong={strong} />
        {placed.nodes.filter(seen).map((p) => {
          const node = byID.get(p.id)
          const c = corner(p)
          return (
            node && (
              <button
                key={p.id}
                type="button"
                data-node={p.id}
                className={css.node}
                aria-label={nodeLabel(node)}
                aria-current={p.id === selected || undefined}
                tabIndex={p.id === current ? 0 : -1}
                style={{ left: c.x, top: c.y, width: size.width, height: size.height }}
                onFocus={() => setFocused(p.id)}
                onClick={() => onSelect(p.id)}
              >
                {renderNode(node, { selected: p.id === selected })}
              </button>
            )
          )
        })}
      </div>
      <div className={css.tools}>
        <IconButton small label="Zoom in" onClick={() => zoom(1.25)}>
          +
        </IconButton>
        <IconButton small label="Zoom out" onClick={() => zoom(0.8)}>
          −
        </IconButton>
        <IconButton
          small
          label="Show all"
          onClick={() => {
            touched.current = false
            fit(zooms.least)
          }}
        >
          ⤢
        </IconButton>
      </div>
    </div>
  )
}

/** useDrag moves the view with the pointer; a drag that began on a node is no click on it. */
function useDrag(view: { current: View }, show: (v: View) => void, touched: { current: boolean }) {
  const from = useRef<{ id: number; x: number; y: number; view: View; moved: boolean }>(undefined)
  return {
    onPointerDown: (e: PointerEvent<HTMLDivElement>) => {
      if (e.button === 0) from.current = { id: e.pointerId, x: e.clientX, y: e.clientY, view: view.current, moved: false }
    },
    onPointerMove: (e: PointerEvent<HTMLDivElement>) => {
      const f = from.current
      if (!f || f.id !== e.pointerId) return
      const dx = e.clientX - f.x
      const dy = e.clientY - f.y
      if (!f.moved && Math.hypot(dx, dy) < 4) return
      if (!f.moved) e.currentTarget.setPointerCapture(e.pointerId)
      f.moved = true
      touched.current = true
      show({ ...f.view, x: f.view.x + dx, y: f.view.y + dy })
    },
    onPointerUp: (e: PointerEvent<HTMLDivElement>) => {
      if (e.pointerId === from.current?.id && !from.current.moved) from.current = undefined
    },
    onPointerCancel: () => (from.current = undefined),
    onClickCapture: (e: React.MouseEvent) => {
      if (from.current?.moved) {
        e.stopPropagation()
        e.preventDefault()
      }
      from.current = undefined
    },
  }
}

/** Edges draws all edges as two lines: those that stand out, and the others. */
function Edges({ of, size, strong }: { of: Layout; size: { width: number; height: number }; strong?: (from: string, to: string) => boolean }) {
  const [plain, bold] = useMemo(() => {
    const at = new Map(of.nodes.map((n) => [n.id, n]))
    const cell = { x: size.width + gap.x, y: size.height + gap.y }
    const lines = { plain: '', bold: '' }
    for (const e of of.edges) {
      const from = at.get(e.from)!
      const to = at.get(e.to)!
      const middle = size.height / 2
      let x = from.x * cell.x + size.width
      let y = from.y * cell.y + middle
      let d = `M${x} ${y}`
      const curve = (nx: number, ny: number) => {
        d += y === ny ? `L${nx} ${ny}` : `C${(x + nx) / 2} ${y} ${(x + nx) / 2} ${ny} ${nx} ${ny}`
        x = nx
        y = ny
      }
      for (const v of e.via) {
        curve(v.x * cell.x, v.y * cell.y + middle)
        curve(v.x * cell.x + size.width, v.y * cell.y + middle)
      }
      curve(to.x * cell.x, to.y * cell.y + middle)
      lines[strong?.(e.from, e.to) ? 'bold' : 'plain'] += d
    }
    return [lines.plain, lines.bold]
  }, [of, size.width, size.height, strong])
  return (
    <svg className={css.edges} width="100%" height="100%" aria-hidden>
      <path d={plain} className={css.edge} />
      <path d={bold} className={css.strong} />
    </svg>
  )
}
