// The pipelines of an application: how their last runs went, and what to do with them.
import { Link } from '@tanstack/react-router'
import { Button } from '~/kit/button'
import { Sparkline } from '~/kit/spark'
import { duration } from '~/kit/time'
import { active, reliability, type PipelineRow } from './list'
import css from './pipelines.module.css'

type Props = { rows: readonly PipelineRow[]; selected?: string; onSelect: (id: string | undefined) => void; onStart: (id: string) => void }

export function PipelineList({ rows, selected, onSelect, onStart }: Props) {
  return (
    <ul className={css.pipelines} aria-label="Pipelines">
      {rows.map((row) => {
        const running = active([row])
        const good = reliability(row)
        return (
          <li key={row.id} className={css.pipeline} data-selected={row.id === selected || undefined}>
            <div className={css.title}>
              <button type="button" className={css.name} aria-pressed={row.id === selected} title={row.description} onClick={() => onSelect(row.id === selected ? undefined : row.id)}>
                {row.name}
              </button>
              {row.disabled && <span className={css.mark}>disabled</span>}
              {row.template && <span className={css.mark}>template</span>}
              {running.count > 0 && (
                <span className={css.active} data-tone="run">
                  {running.text} active
                </span>
              )}
            </div>
            <div className={css.figures}>
              <Sparkline runs={row.runs} />
              <span>
                {row.averageMs !== undefined && <span title="Average of those that succeeded">{duration(row.averageMs)}</span>}
                {good !== undefined && <span title={`Succeeded, of the last ${row.runs.length}`}>{Math.round(good * 100)} %</span>}
              </span>
            </div>
            <div className={css.do}>
              <Button small disabled={row.disabled} title={row.disabled ? 'It is disabled' : undefined} onClick={() => onStart(row.id)} aria-label={`Start ${row.name}`}>
                Start
              </Button>
              <Link to="/applications/$app/pipelines/$pipeline" params={{ app: row.application, pipeline: row.id }} aria-label={`Edit ${row.name}`}>
                Edit
              </Link>
              <Link to="/applications/$app/pipelines/$pipeline/history" params={{ app: row.application, pipeline: row.id }} aria-label={`History of ${row.name}`}>
                History
              </Link>
            </div>
          </li>
        )
      })}
    </ul>
  )
}
