// What instances and jobs wrote, line by line, with a bound.

/** How many lines are kept. */
export const most = 5_000
/** How long a line may be; what is longer is cut. */
const longest = 4_000

/** Log is the end of what was written. */
export type Log = {
  lines: string[]
  /** How many lines before them were dropped. */
  dropped: number
  /** The beginning of a line whose end has not come yet. */
  rest: string
}

export const nothing: Log = { lines: [], dropped: 0, rest: '' }

const escapes = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g

/** plain removes colours and other orders to a terminal. */
export function plain(line: string): string {
  const text = (line.length > longest ? `${line.slice(0, longest)} …` : line).replace(escapes, '').replace(/\r+$/, '')
  return text.slice(text.lastIndexOf('\r') + 1)
}

/** append adds a part of a stream, which may begin and end anywhere. */
export function append(log: Log, chunk: string): Log {
  const parts = (log.rest + chunk).split('\n')
  const rest = (parts.pop() ?? '').slice(0, 4 * longest)
  if (parts.length === 0) return { ...log, rest }
  const all = [...log.lines, ...parts.slice(-most).map(plain)]
  const lines = all.length > most ? all.slice(-most) : all
  return { lines, dropped: log.dropped + log.lines.length + parts.length - lines.length, rest }
}

/** all returns the lines, with the last one though it has no end. */
export function all(log: Log): string[] {
  return log.rest ? [...log.lines, plain(log.rest)] : log.lines
}

/** matching returns the indexes of lines that have a text in them, whatever its case. */
export function matching(lines: string[], q: string): number[] {
  const wanted = q.toLowerCase()
  return wanted ? lines.flatMap((l, i) => (l.toLowerCase().includes(wanted) ? [i] : [])) : []
}
