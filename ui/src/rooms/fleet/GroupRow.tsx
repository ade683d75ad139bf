// One server group in the list.
import { memo } from 'react'
import { IconButton } from '~/kit/button'
import { Menu } from '~/kit/menu'
import { StatusIcon, wordOf } from '~/kit/status'
import { Ago } from '~/kit/time'
import { actionsOf, type Act } from './actions'
import { columnsIn } from './boxes'
import { bare, short, versionOf, type Cluster, type Row } from './model'
import css from './rows.module.css'
import { Strip } from './strip'
import { Flow } from './traffic'

/** How many instances stand in the row itself; more get lines of their own. */
export const inRow = 12
/** What a list of some width leaves for a strip of its own. */
export const stripWidth = (list: number): number => list - 40

type Props = { row: Row; cluster: Cluster; width: number; open: boolean; onOpen: (row: Row, instance?: string) => void; onAct: Act }

export const GroupRow = memo(function GroupRow({ row, cluster, width, open, onOpen, onAct }: Props) {
  const many = row.instances.length > inRow
  const strip = <Strip boxes={row.instances} columns={many ? columnsIn(stripWidth(width)) : inRow} label={bare(row.name)} onOpen={(instance) => onOpen(row, instance)} />
  const { min, max, desired } = row.capacity
  return (
    <div className={css.row} data-open={open || undefined} data-off={row.status === 'disabled' || undefined} onClick={() => onOpen(row)}>
      <div className={css.version}>
        <StatusIcon status={row.status} size={14} />
        <button type="button" className={css.link} aria-expanded={open} title={bare(row.name)} onClick={(e) => (e.stopPropagation(), onOpen(row))}>
          {versionOf(row)}
          <span className="hidden">
            {' '}
            of {bare(row.cluster)}, {wordOf(row.status)}
          </span>
        </button>
        {cluster.regions.length > 1 && <span className={css.region}>{row.region}</span>}
      </div>
      <div className={css.image} title={row.images.join('\n')}>
        {row.images.map(short).join(', ') || <span className="muted">–</span>}
      </div>
      {!many && <div className={css.strip}>{strip}</div>}
      <div className={css.flow}>
        <Flow row={row} groups={cluster.groups} />
      </div>
      <div className={css.capacity} title={`${row.instanceCounts.up} up of ${desired}; at least ${min}, at most ${max}`}>
        {row.instanceCounts.up}/{desired}
        {min !== max && (
          <small>
            {' '}
            {min}–{max}
          </small>
        )}
      </div>
      <div className={css.age}>
        <Ago at={row.createdTime} />
      </div>
      <div className={css.balancers} title={row.loadBalancers.join(', ')}>
        {row.loadBalancers.map(bare).join(', ')}
      </div>
      <div className={css.menu} onClick={(e) => e.stopPropagation()}>
        <Menu
          label={`Actions on ${bare(row.name)}`}
          trigger={
            <IconButton small label={`Actions on ${bare(row.name)}`}>
              ⋯
            </IconButton>
          }
          items={actionsOf(row, cluster.groups, (action) => onAct(action, row))}
        />
      </div>
      {many && <div className={css.wide}>{strip}</div>}
    </div>
  )
})
