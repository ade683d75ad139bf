// Where the nodes of a directed graph stand: columns by longest path, rows so
// that few edges cross and chains stay straight. Pure; what draws it is graph.tsx.

/** GraphNode is a node with those that come before it. Unknown names in requires are left out. */
export type GraphNode = { id: string; requires: readonly string[] }

/** Placed is a node's place: x counts columns, y rows. Rows may lie between whole numbers. */
export type Placed = { id: string; x: number; y: number }

/** Edge goes from a node to one that requires it; via are the rows where it passes the columns between. */
export type Edge = { from: string; to: string; via: { x: number; y: number }[] }

export type Layout = { nodes: Placed[]; edges: Edge[]; columns: number; rows: number }

/** A slot is a place in a column: a node, or a bend of an edge that passes by; at is where its neighbours draw it. */
type Slot = { id?: string; x: number; y: number; at: number; before: Slot[]; after: Slot[] }

const sweeps = 6
/** Bends that are placed at most; longer edges of a larger graph are drawn straight. */
const mostBends = 4_000

/**
 * layout places nodes. A node stands in the column behind the last of those
 * that it requires. What closes a circle is not drawn: a draft may have one.
 */
export function layout(nodes: readonly GraphNode[]): Layout {
  const requires = acyclic(nodes)
  const columnOf = longest(requires)
  const slots = new Map<string, Slot>()
  const columns: Slot[][] = []
  const put = (slot: Slot) => {
    ;(columns[slot.x] ??= []).push(slot)
    return slot
  }
  for (const id of requires.keys()) slots.set(id, put({ id, x: columnOf.get(id)!, y: 0, at: 0, before: [], after: [] }))

  const edges: { from: Slot; to: Slot; bends: Slot[] }[] = []
  let bends = 0
  for (const [id, before] of requires) {
    const to = slots.get(id)!
    for (const name of before) {
      const from = slots.get(name)!
      const edge = { from, to, bends: [] as Slot[] }
      let last = from
      for (let x = from.x + 1; x < to.x && bends < mostBends; x++, bends++) {
        const bend = put({ x, y: 0, at: 0, before: [], after: [] })
        join(last, bend)
        edge.bends.push(bend)
        last = bend
      }
      join(last, to)
      edges.push(edge)
    }
  }
  order(columns)
  place(columns)
  return {
    nodes: [...slots.values()].map((s) => ({ id: s.id!, x: s.x, y: s.y })),
    edges: edges.map((e) => ({ from: e.from.id!, to: e.to.id!, via: e.bends.map((b) => ({ x: b.x, y: b.y })) })),
    columns: columns.length,
    rows: columns.length === 0 ? 0 : Math.max(...columns.flat().map((s) => s.y)) + 1,
  }
}

function join(from: Slot, to: Slot) {
  from.after.push(to)
  to.before.push(from)
}

/** acyclic returns what each node requires, without unknown names and without what closes a circle. */
function acyclic(nodes: readonly GraphNode[]): Map<string, string[]> {
  const given = new Map<string, readonly string[]>()
  for (const n of nodes) if (!given.has(n.id)) given.set(n.id, n.requires)
  const kept = new Map<string, string[]>()
  for (const [id, requires] of given) kept.set(id, [...new Set(requires)].filter((r) => r !== id && given.has(r)))
  const state = new Map<string, 'open' | 'done'>()
  for (const start of kept.keys()) {
    if (state.has(start)) continue
    const path: { id: string; next: number }[] = [{ id: start, next: 0 }]
    state.set(start, 'open')
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const requires = kept.get(top.id)!
      const next = requires[top.next]
      if (next === undefined) {
        state.set(top.id, 'done')
        path.pop()
      } else if (state.get(next) === 'open') requires.splice(top.next, 1)
      else {
        top.next++
        if (!state.has(next)) {
          state.set(next, 'open')
          path.push({ id: next, next: 0 })
        }
      }
    }
  }
  return kept
}

/** longest returns each node's column: the length of the longest path to it. */
function longest(requires: Map<string, string[]>): Map<string, number> {
  const after = new Map<string, string[]>()
  const open = new Map<string, number>()
  for (const [id, before] of requires) {
    open.set(id, before.length)
    for (const b of before) after.set(b, [...(after.get(b) ?? []), id])
  }
  const columns = new Map<string, number>()
  const ready = [...requires.keys()].filter((id) => open.get(id) === 0)
  for (let i = 0; i < ready.length; i++) {
    const id = ready[i]!
    columns.set(id, Math.max(0, ...requires.get(id)!.map((b) => columns.get(b)! + 1)))
    for (const a of after.get(id) ?? []) {
      open.set(a, open.get(a)! - 1)
      if (open.get(a) === 0) ready.push(a)
    }
  }
  return columns
}

function mean(slots: Slot[], otherwise: number): number {
  let sum = 0
  for (const s of slots) sum += s.y
  return slots.length === 0 ? otherwise : sum / slots.length
}

/** order sorts each column by the barycentre of its neighbours, and keeps the order with the fewest crossings. */
function order(columns: Slot[][]) {
  const number = () => columns.forEach((column) => column.forEach((s, i) => (s.y = i)))
  number()
  let best = columns.map((c) => [...c])
  let fewest = crossings(columns)
  for (let sweep = 0; sweep < sweeps && fewest > 0; sweep++) {
    const forth = sweep % 2 === 0
    for (const column of forth ? columns : columns.toReversed()) {
      for (const s of column) s.at = mean(forth ? s.before : s.after, s.y)
      column.sort((a, b) => a.at - b.at)
      column.forEach((s, i) => (s.y = i))
    }
    const now = crossings(columns)
    if (now < fewest) {
      fewest = now
      best = columns.map((c) => [...c])
    }
  }
  columns.forEach((column, x) => column.splice(0, column.length, ...best[x]!))
  number()
}

/** crossings counts the pairs of edges that cross between neighbouring columns, whose rows are numbered. */
function crossings(columns: Slot[][]): number {
  let count = 0
  columns.forEach((column, x) => {
    const rows = columns[x + 1]?.length ?? 0
    if (rows < 2) return
    // From below: an edge crosses those that begin lower and end higher, counted by a tree of sums.
    const tree = new Uint32Array(rows + 1)
    for (let i = column.length - 1; i >= 0; i--) {
      const { after } = column[i]!
      for (const a of after) for (let k = a.y; k > 0; k -= k & -k) count += tree[k]!
      for (const a of after) for (let k = a.y + 1; k <= rows; k += k & -k) tree[k]!++
    }
  })
  return count
}

/** place moves slots towards their neighbours, without changing their order. */
function place(columns: Slot[][]) {
  for (const forth of [true, false, true]) {
    for (const column of forth ? columns : columns.toReversed()) {
      const wanted = column.map((s) => mean(forth ? s.before : s.after, s.y))
      spread(wanted).forEach((y, i) => (column[i]!.y = y))
    }
  }
  const top = Math.min(...columns.flat().map((s) => s.y))
  for (const s of columns.flat()) s.y = Math.round((s.y - top) * 4) / 4
}

/** spread returns places at least 1 apart, in order, that are nearest to those wanted (least squares). */
export function spread(wanted: readonly number[]): number[] {
  const blocks: { sum: number; size: number }[] = []
  wanted.forEach((w, i) => {
    let block = { sum: w - i, size: 1 }
    for (let last = blocks.at(-1); last && last.sum / last.size >= block.sum / block.size; last = blocks.at(-1)) {
      block = { sum: last.sum + block.sum, size: last.size + block.size }
      blocks.pop()
    }
    blocks.push(block)
  })
  return blocks.flatMap((b) => Array<number>(b.size).fill(b.sum / b.size)).map((y, i) => y + i)
}

export type Direction = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown'

/** neighbour returns the node that an arrow key leads to: along edges sideways, else the nearest. */
export function neighbour(l: Layout, id: string, key: Direction): string | undefined {
  const here = l.nodes.find((n) => n.id === id)
  if (!here) return l.nodes[0]?.id
  const joined = new Set(key === 'ArrowRight' ? l.edges.filter((e) => e.from === id).map((e) => e.to) : key === 'ArrowLeft' ? l.edges.filter((e) => e.to === id).map((e) => e.from) : [])
  const far = (n: Placed) => Math.abs(n.y - here.y) + Math.abs(n.x - here.x) / 1_000
  const side = l.nodes.filter((n) => {
    switch (key) {
      case 'ArrowLeft':
        return n.x < here.x && (joined.size === 0 ? n.x === here.x - 1 : joined.has(n.id))
      case 'ArrowRight':
        return n.x > here.x && (joined.size === 0 ? n.x === here.x + 1 : joined.has(n.id))
      case 'ArrowUp':
        return n.x === here.x && n.y < here.y
      case 'ArrowDown':
        return n.x === here.x && n.y > here.y
    }
  })
  return side.reduce<Placed | undefined>((best, n) => (!best || far(n) < far(best) ? n : best), undefined)?.id
}
