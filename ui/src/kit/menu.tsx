import * as Radix from '@radix-ui/react-dropdown-menu'
import type { ReactNode } from 'react'
import css from './menu.module.css'

/** Item is a line of a menu; one that is disabled says why. */
export type Item = { label: ReactNode; onSelect: () => void; danger?: boolean; disabled?: boolean; why?: string } | 'line'

/** Menu opens a list of things to do below its trigger. */
export function Menu({ trigger, items, label }: { trigger: ReactNode; items: Item[]; label: string }) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content className={css.menu} align="end" sideOffset={4} aria-label={label}>
          {items.map((item, i) =>
            item === 'line' ? (
              <Radix.Separator key={i} className={css.line} />
            ) : (
              <Radix.Item key={i} className={css.item} data-danger={item.danger || undefined} disabled={item.disabled} onSelect={item.onSelect} title={item.why}>
                {item.label}
                {item.disabled && item.why && <small>{item.why}</small>}
              </Radix.Item>
            ),
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}
