// The actions on a server group as items of a menu, with their keys.
import type { Item } from '~/kit/menu'
import { Keys } from '~/kit/button'
import { siblings, type Row } from './model'
import { whyNot, type Action } from './operations'
import css from './rows.module.css'

export type Act = (action: Action, row: Row) => void

export const actions: { action: Action; label: string; key?: string; danger?: boolean }[] = [
  { action: 'resize', label: 'Resize…', key: 'r' },
  { action: 'enable', label: 'Enable…', key: 'e' },
  { action: 'disable', label: 'Disable…', key: 'd' },
  { action: 'rollback', label: 'Roll back…', key: 'b' },
  { action: 'clone', label: 'Clone…', key: 'c' },
  { action: 'destroy', label: 'Destroy…', key: 'shift+x', danger: true },
]

/** actionsOf lists what can be done with a server group; what cannot says why. */
export function actionsOf(row: Row, rows: Row[], act: (action: Action) => void): Item[] {
  const around = siblings(rows, row)
  return actions.flatMap(({ action, label, key, danger }): Item[] => {
    const why = whyNot(action, row, around)
    const item: Item = {
      label: (
        <span className={css.item}>
          {label} {key && <Keys of={key} />}
        </span>
      ),
      onSelect: () => act(action),
      danger,
      disabled: why !== undefined,
      why,
    }
    return danger ? ['line', item] : [item]
  })
}
