import { useCallback, useMemo } from 'react'
import type { Execution } from '~/api/queries'
import { Graph } from '~/kit/graph/Graph'
import { StatusIcon, toneOf, wordOf } from '~/kit/status'
import { Took } from '~/kit/time'
import css from './graph.module.css'
import { isEnded, statusOfStage, steps } from './stages'
import type { Timing } from './timing'

type Props = { x: Execution; timing: Timing; /** Stages that wait for a person in an execution that they started. */ waiting: ReadonlySet<string>; selected?: string; onSelect: (stage: string) => void }

/** StageGraph draws what waits for what; what made the execution take its time stands out. */
export function StageGraph({ x, timing, waiting, selected, onSelect }: Props) {
  const nodes = useMemo(() => steps(x.stages).map((s) => ({ id: s.stage.id, requires: s.requires, stage: s.stage })), [x.stages])
  const path = [...timing.stages.values()].filter((t) => t.critical).map((t) => t.stage.id).join()
  const strong = useCallback(
    (from: string, to: string) => {
      const critical = new Set(path.split(','))
      return critical.has(from) && critical.has(to)
    },
    [path],
  )
  return (
    <Graph
      nodes={nodes}
      label="Stages"
      selected={selected}
      onSelect={onSelect}
      strong={strong}
      nodeLabel={(n) => `${n.stage.name}: ${wordOf(statusOfStage(n.stage, waiting))}`}
      renderNode={(n, state) => (
        <span className={css.node} data-tone={toneOf(statusOfStage(n.stage, waiting))} data-selected={state.selected || undefined} data-ahead={n.stage.status === 'NOT_STARTED' || undefined}>
          <StatusIcon status={statusOfStage(n.stage, waiting)} label="" />
          <span className={css.text}>
            <span className={css.name} title={n.stage.name}>
              {n.stage.name}
            </span>
            <span className={css.more}>
              {n.stage.type}
              {n.stage.startTime ? (
                <>
                  {' · '}
                  <Took from={n.stage.startTime} to={n.stage.endTime ?? (isEnded(n.stage.status) ? n.stage.startTime : undefined)} />
                </>
              ) : null}
            </span>
          </span>
        </span>
      )}
      size={size}
      tallest={460}
    />
  )
}

const size = { width: 196, height: 46 }
