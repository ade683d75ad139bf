import { useMemo } from 'react'
import { Button } from '~/kit/button'
import { Graph, type GraphNode } from '~/kit/graph/Graph'
import { StatusIcon } from '~/kit/status'
import { requires, stagesOf, type Stage } from './document'
import { useEditing } from './editing'
import css from './editor.module.css'
import { isTemplated } from './pipeline'
import { byStage, count, worst, type Finding } from './problems'

type Node = GraphNode & { stage: Stage; findings: Finding[] }

export const statusOf = (severity: Finding['severity'] | undefined) => (severity === 'error' ? 'TERMINAL' : severity === 'warning' ? 'FAILED_CONTINUE' : 'NOT_STARTED')

/** GraphPane shows the stages in their order, and what is wrong with each. */
export function GraphPane({ selected, onSelect, onAdd }: { selected?: string; onSelect: (refId: string | undefined) => void; onAdd: () => void }) {
  const { doc, findings, catalog } = useEditing()
  const nodes = useMemo(() => {
    const wrong = byStage(findings, doc)
    return stagesOf(doc).map(({ stage, refId }): Node => ({ id: refId, requires: requires(stage), stage, findings: (wrong.get(refId) ?? []).filter((f) => f.severity !== 'info') }))
  }, [doc, findings])
  const nameOf = (n: Node) => String(n.stage.name ?? catalog.find(String(n.stage.type))?.label ?? n.stage.type ?? n.id)
  const typeOf = (n: Node) => catalog.find(String(n.stage.type))?.label ?? String(n.stage.type ?? 'no type')
  return (
    <div className={css.graph}>
      <div className={css.tools}>
        <Button small aria-pressed={selected === undefined} onClick={() => onSelect(undefined)}>
          Pipeline settings
        </Button>
        {!isTemplated(doc) && (
          <Button small onClick={onAdd}>
            Add a stage
          </Button>
        )}
        <span className="muted">
          {nodes.length} {nodes.length === 1 ? 'stage' : 'stages'}
        </span>
      </div>
      {nodes.length === 0 ? (
        <p className={css.nothing}>{isTemplated(doc) ? 'Its stages are in its template.' : 'It has no stages yet. Add the first one.'}</p>
      ) : (
        <Graph
          nodes={nodes}
          label="Stages"
          selected={selected}
          onSelect={onSelect}
          nodeLabel={(n) => `${nameOf(n)}, ${typeOf(n)}${n.findings.length > 0 ? `, ${count(n.findings)}` : ''}`}
          renderNode={(n, { selected: on }) => (
            <div className={css.node} data-selected={on || undefined} title={n.findings[0]?.message}>
              <span className={css.nodeName} data-marked={n.findings.length > 0 || undefined}>
                {nameOf(n)}
              </span>
              <span className={css.nodeType}>{typeOf(n)}</span>
              {n.findings.length > 0 && (
                <span className={css.badge}>
                  <StatusIcon status={statusOf(worst(n.findings))} size={14} label="" />
                </span>
              )}
            </div>
          )}
        />
      )}
    </div>
  )
}
