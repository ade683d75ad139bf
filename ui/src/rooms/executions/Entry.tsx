// An execution in a list: what, why, with what, how long; its bar; and in place
// what it waits for, or the stage that was clicked.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { memo } from 'react'
import { execution, type Execution } from '~/api/queries'
import { IconButton } from '~/kit/button'
import { Loaded, Skeleton } from '~/kit/state'
import { StatusIcon, wordOf } from '~/kit/status'
import { Ago, Took } from '~/kit/time'
import css from './entry.module.css'
import { Judgments } from './Judgment'
import type { DetailsTab } from './search'
import { isEnded, statusOf, waits } from './stages'
import { StageBar } from './StageBar'
import { StageDetails } from './StageDetails'
import { inBrief, inShort, reasonOf } from './trigger'

type Props = {
  x: Execution
  /** The stage whose details are open. */
  open?: string
  tab: DetailsTab
  onStage: (execution: string, stage: string | undefined) => void
  onTab: (tab: DetailsTab) => void
}

/** Entry is drawn anew only if something of it changes: there are dozens, and many change often. */
export const Entry = memo(function Entry({ x, open, tab, onStage, onTab }: Props) {
  const reason = reasonOf(x)
  const status = statusOf(x)
  const given = inBrief(x)
  return (
    <article className={css.entry} aria-label={`${x.name ?? x.id}, ${wordOf(status)}`}>
      <div className={css.head}>
        <StatusIcon status={status} />
        <Name app={x.application} id={x.id} name={x.name ?? x.id} />
        <span className={css.why}>
          {reason.user ? `${reason.user}, ` : ''}
          {reason.text}
          {reason.dryRun && ' · dry run'}
        </span>
        <span className={css.given}>
          {given.slice(0, 3).map(([name, value]) => (
            <span key={name} title={`${name}: ${value}`}>
              {name} <b>{inShort(value)}</b>
            </span>
          ))}
          {given.length > 3 && <span className="muted">+{given.length - 3}</span>}
        </span>
        <span className={css.when}>
          <Ago at={x.startTime ?? x.buildTime} />
        </span>
        <span className={css.took}>{x.startTime ? <Took from={x.startTime} to={x.endTime ?? (isEnded(x.status) ? x.startTime : undefined)} /> : wordOf(x.status)}</span>
      </div>
      {x.stages.length > 0 && <StageBar x={x} selected={open} onOpen={(s) => onStage(x.id, s.id === open ? undefined : s.id)} />}
      {x.status === 'RUNNING' && waits(x) && <Judgments id={x.id} />}
      {open && <InPlace x={x} stage={open} tab={tab} onTab={onTab} onClose={() => onStage(x.id, undefined)} />}
    </article>
  )
})

/** Name leads to the execution. It stays while the rest of the row changes: a link takes longer to make than a bar. */
const Name = memo(function Name({ app, id, name }: { app: string; id: string; name: string }) {
  return (
    <Link to="/applications/$app/executions/$id" params={{ app, id }} className={css.name}>
      {name}
    </Link>
  )
})

/** InPlace shows a stage below the bar; lists have no contexts, so the execution is read. */
function InPlace({ x, stage, tab, onTab, onClose }: { x: Execution; stage: string; tab: DetailsTab; onTab: (tab: DetailsTab) => void; onClose: () => void }) {
  const query = useQuery(execution(x.id))
  return (
    <div className={css.place}>
      <Loaded query={query} skeleton={<Skeleton rows={4} />}>
        {(whole) => {
          const found = whole.stages.find((s) => s.id === stage)
          return (
            <>
              <div className={css.placeHead}>
                <h3>{found?.name ?? 'This stage is not there any more'}</h3>
                <Link to="/applications/$app/executions/$id" params={{ app: x.application, id: x.id }} search={{ stage }} className={css.more}>
                  Open the execution
                </Link>
                <IconButton small label="Close the stage" onClick={onClose}>
                  ✕
                </IconButton>
              </div>
              {found && <StageDetails x={whole} stage={found} tab={tab} onTab={onTab} told={{ judgment: true }} />}
            </>
          )
        }}
      </Loaded>
    </div>
  )
}
