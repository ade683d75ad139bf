// Instances as small boxes: a whole strip is a few paths, whatever its length, so
// that ten thousand of them scroll as smoothly as ten.
import { toneOf, type Tone } from '~/kit/status'

export type Box = { name: string; state: string }

/** Pixels from one box to the next, and of a box itself. */
export const pitch = 12
const size = 9

/** columnsIn returns how many boxes stand side by side. */
export const columnsIn = (width: number): number => Math.max(1, Math.floor(width / pitch))

/** extent returns the size of a strip in pixels. */
export function extent(count: number, columns: number): { width: number; height: number } {
  return { width: Math.min(count, columns) * pitch, height: Math.ceil(count / columns) * pitch }
}

/** at returns the index of the box at a point of a strip; -1 if there is none. */
export function at(x: number, y: number, count: number, columns: number): number {
  const column = Math.floor(x / pitch)
  const index = Math.floor(y / pitch) * columns + column
  return x >= 0 && y >= 0 && column < columns && index < count ? index : -1
}

type Draw = { solid?: (x: number, y: number) => string; line?: (x: number, y: number) => string }

const square = (x: number, y: number) => `M${x} ${y}h${size}v${size}h-${size}z`
/** An outline is drawn on the middle of its line. */
const outline = (x: number, y: number) => `M${x + 0.75} ${y + 0.75}h${size - 1.5}v${size - 1.5}h-${size - 1.5}z`
const cross = (x: number, y: number) => `M${x + 1} ${y + 1}l${size - 2} ${size - 2}m0 -${size - 2}l-${size - 2} ${size - 2}`

/** Each state has a form of its own: colour alone tells nothing. */
const forms: Record<string, Draw> = {
  Up: { solid: square },
  Succeeded: { solid: (x, y) => `M${x + size / 2} ${y}l${size / 2} ${size / 2}l-${size / 2} ${size / 2}l-${size / 2} -${size / 2}z` },
  Starting: { solid: (x, y) => `M${x} ${y + 5}h${size}v${size - 5}h-${size}z`, line: outline },
  Down: { line: cross },
  Failed: { line: cross },
  Draining: { solid: (x, y) => `M${x} ${y}h${size}l-${size} ${size}z`, line: outline },
  OutOfService: { line: outline },
}
const unknown: Draw = { line: (x, y) => `${outline(x, y)}M${x + 2} ${y + size / 2}h${size - 4}` }

export type Drawn = { state: string; tone: Tone; solid: string; line: string }

/** draw makes the paths of a strip, one pair for each state. */
export function draw(boxes: Box[], columns: number): Drawn[] {
  const found = new Map<string, { solid: string[]; line: string[] }>()
  boxes.forEach((b, i) => {
    let d = found.get(b.state)
    if (!d) found.set(b.state, (d = { solid: [], line: [] }))
    const form = forms[b.state] ?? unknown
    const { x, y } = place(i, columns)
    if (form.solid) d.solid.push(form.solid(x, y))
    if (form.line) d.line.push(form.line(x, y))
  })
  return [...found].map(([state, d]) => ({ state, tone: toneOf(state), solid: d.solid.join(''), line: d.line.join('') }))
}

/** place returns where the box with an index is drawn. */
export const place = (i: number, columns: number): { x: number; y: number } => ({ x: (i % columns) * pitch + 1, y: Math.floor(i / columns) * pitch + 1 })

/** How many changes are shown: where everything changes, nothing stands out. */
const mostChanges = 200

/** changed returns the indexes of boxes that are new or in another state. */
export function changed(before: Box[], after: Box[]): number[] {
  if (before === after) return []
  const was = new Map(before.map((b) => [b.name, b.state]))
  const out = after.flatMap((b, i) => (was.get(b.name) === b.state ? [] : [i]))
  return out.length > mostChanges ? [] : out
}

/** counted says in words how many boxes are in which state: "3 up, 1 starting". */
export function counted(boxes: Box[], word: (state: string) => string): string {
  const counts = new Map<string, number>()
  for (const b of boxes) counts.set(b.state, (counts.get(b.state) ?? 0) + 1)
  return [...counts].map(([state, n]) => `${n} ${word(state)}`).join(', ') || 'none'
}
