import { StatusIcon } from '~/kit/status'
import { useEditing } from './editing'
import css from './editor.module.css'
import { statusOf } from './GraphPane'
import { writePath, type Path } from './path'
import { get } from './document'

/** ProblemsPanel lists what is wrong; a click goes where it is. */
export function ProblemsPanel({ onVisit }: { onVisit: (path: Path) => void }) {
  const { doc, findings } = useEditing()
  if (findings.length === 0) return <p className={css.nothing}>Nothing is wrong with it, as far as can be told before it runs.</p>
  return (
    <ul className={css.problems}>
      {findings.map((f, i) => {
        const stage = f.path[0] === 'stages' && f.path.length > 1 ? get(doc, f.path.slice(0, 2)) : undefined
        const name = typeof stage === 'object' && stage !== null && !Array.isArray(stage) ? String(stage.name ?? stage.type ?? '') : ''
        return (
          <li key={i}>
            <button type="button" onClick={() => onVisit(f.path)}>
              <StatusIcon status={statusOf(f.severity)} size={14} label={f.severity} />
              <span>
                {name && <strong>{name}: </strong>}
                {f.message}
                {f.hint && <span className="muted"> {f.hint}</span>}
              </span>
              <code>{writePath(f.path)}</code>
            </button>
          </li>
        )
      })}
    </ul>
  )
}
