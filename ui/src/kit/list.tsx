// Long lists: only the rows that are seen are on the page, and keys move between them.
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef, useState, type ReactNode } from 'react'
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
  /** Called when the end comes into sight. */
  onEnd?: () => void
  /** Key of the row to begin with. */
  selected?: string
}

/** VirtualList scrolls by itself and fills the height that it is given. */
export function VirtualList<T>({ items, label, rowKey, height, children, onOpen, onEnd, selected }: Props<T>) {
  const box = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState(-1)
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
  const move = (to: number) => {
    const next = Math.max(0, Math.min(items.length - 1, to))
    setAt(next)
    rows.scrollToIndex(next, { align: 'auto' })
  }
  const current = at >= 0 ? at : selected !== undefined ? items.findIndex((i) => rowKey(i) === selected) : -1
  useKeys('List', {
    j: { does: 'Next row', run: () => move(current + 1) },
    k: { does: 'Previous row', run: () => move(current - 1) },
    ...(onOpen && {
      Enter: {
        does: 'Open the row',
        run: (e) => {
          const item = items[current]
          if (item !== undefined) onOpen(item)
          else (e.target as HTMLElement).click?.()
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
