import type { HistorySearch } from './search'

/** compared returns the numbers of two revisions: those that are asked for, or else the newest two. Pure. */
export function compared(numbers: readonly number[], { a, b }: HistorySearch): HistorySearch {
  const to = numbers.includes(b ?? -1) ? b : numbers[0]
  const from = numbers.includes(a ?? -1) ? a : numbers.find((n) => to !== undefined && n < to)
  return { ...(from !== undefined && { a: from }), ...(to !== undefined && { b: to }) }
}
