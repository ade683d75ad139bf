// Long lists: only the rows that are seen are on the page, and keys move between them.
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { useKeys } from './keys'
import css from './list.module.css'

type Props<T> = {
  items: T[]
  /** Name of the list, for those who do not see it. */
  label: string
  rowKey: (item: T) => string
  /** Estimated height of a row in pixels; rows may be of different heights. */
  height: (item: T) => number
  children: (item: T, state: { selected: boolean }) => ReactNode
  /** What Enter does with the row that is selected by j and k. */
  onOpen?: (item: T) => void
  /** Called with the row that j and k select; whoever gives it keeps the selection, in selected. */
  onSelect?: (item: T) => void
  /** Rows that j and k pass over, as headings. */
  skip?: (item: T) => boolean
  /** Called when the end comes into sight. */
  onEnd?: () => void
  /** Key of the row to begin with. */
  selected?: string
}

/** VirtualList scrolls by itself and fills the height that it is given. */
export function VirtualList<T>({ items, label, rowKey, height, children, onOpen, onSelect, skip, onEnd, selected }: Props<T>) {
  const box = useRef<HTMLDivElement>(null)
  const [own, setOwn] = useState<string>()
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => box.current,
    estimateSize: (i) => height(items[i] as T),
    getItemKey: (i) => rowKey(items[i] as T),
    overscan: 8,
  })
  const shown = rows.getVirtualItems()
  const last = shown.at(-1)?.index ?? -1
  useEffect(() => {
    if (last >= 0 && last >= items.length - 1) onEnd?.()
  }, [last, items.length, onEnd])
  const key = onSelect ? selected : (own ?? selected)
  const current = useMemo(() => (key === undefined ? -1 : items.findIndex((i) => rowKey(i) === key)), [items, key, rowKey])
  // It begins with the row that is selected in sight.
  const begun = useRef(false)
  useEffect(() => {
    if (begun.current || items.length === 0) return
    begun.current = true
    if (current > 0) rows.scrollToIndex(current, { align: 'center' })
  }, [items.length, current, rows])
  const move = (by: 1 | -1) => {
    let next = current + (current < 0 ? 1 : by)
    while (next >= 0 && next < items.length && skip?.(items[next] as T)) next += by
    const item = items[next]
    if (item === undefined) return
    if (onSelect) onSelect(item)
    else setOwn(rowKey(item))
    rows.scrollToIndex(next, { align: 'auto' })
  }
  useKeys('List', {
    j: { does: 'Next row', run: () => move(1) },
    k: { does: 'Previous row', run: () => move(-1) },
    ...(onOpen && {
      Enter: {
        does: 'Open the row',
        run: (e) => {
          const item = items[current]
          const control = (e.target as Element).closest<HTMLElement>('a, button')
          if (control) control.click()
          else if (item !== undefined) onOpen(item)
        },
      },
    }),
  })
  return (
    <div ref={box} className={css.box} role="region" aria-label={label} tabIndex={0}>
      <ul className={css.list} style={{ height: rows.getTotalSize() }}>
        {shown.map((row) => {
          const item = items[row.index] as T
          return (
            <li
              key={row.key}
              data-index={row.index}
              ref={rows.measureElement}
              className={css.row}
              data-selected={row.index === current || undefined}
              aria-setsize={items.length}
              aria-posinset={row.index + 1}
              style={{ transform: `translateY(${row.start}px)` }}
            >
              {children(item, { selected: row.index === current })}
            </li>
          )
        })}
      </ul>
    </div>
  )
}
