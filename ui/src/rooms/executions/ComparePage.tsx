// Two executions side by side: what they began with, how their stages went, and
// what differs in what those were given.
import { useQueries } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { execution, type Execution, type Stage } from '~/api/queries'
import { Diff } from '~/kit/code'
import { Checkbox } from '~/kit/field'
import { Card, Page, useTitle } from '~/kit/page'
import { Loaded, Skeleton } from '~/kit/state'
import { StatusBadge, StatusIcon, wordOf } from '~/kit/status'
import { Ago, duration, Took } from '~/kit/time'
import { compareArtifacts, compareParameters, compareStages, contextText, outputsText, type Pair, type StagePair } from './compare'
import css from './compare.module.css'
import { isEnded } from './stages'
import { timing } from './timing'

const route = getRouteApi('/applications/$app/executions/$id/compare/$other')

export default function ComparePage() {
  const { app, id, other } = route.useParams()
  const [left, right] = useQueries({ queries: [execution(id), execution(other)] })
  useTitle(`Compare · ${app}`)
  return (
    <Page title="Compare two executions">
      <Loaded query={left!} skeleton={<Skeleton rows={8} />}>
        {(l) => (
          <Loaded query={right!} skeleton={<Skeleton rows={8} />}>
            {(r) => <Compared left={l} right={r} />}
          </Loaded>
        )}
      </Loaded>
    </Page>
  )
}

function Compared({ left, right }: { left: Execution; right: Execution }) {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/applications/$app/executions/$id/compare/$other' })
  const given = [...compareParameters(left, right), ...compareArtifacts(left, right)]
  const stages = useMemo(() => compareStages(left, right), [left, right])
  const key = (p: StagePair) => (p.left ? p.left.refId : `>${p.right!.refId}`)
  const chosen = stages.find((p) => key(p) === search.stage)
  const fits = (p: { differs: boolean }) => search.all || p.differs
  return (
    <>
      <div className={css.sides}>
        {[left, right].map((x) => (
          <div key={x.id}>
            <Link to="/applications/$app/executions/$id" params={{ app: x.application, id: x.id }} className={css.link}>
              {x.name ?? x.id}
            </Link>
            <StatusBadge status={x.status} />
            <span className="muted">
              <Ago at={x.startTime ?? x.buildTime} />, <Took from={x.startTime} to={x.endTime ?? (isEnded(x.status) ? x.startTime : undefined)} />
            </span>
          </div>
        ))}
      </div>
      <Checkbox label="Show what is equal too" checked={search.all === true} onChange={(e) => void navigate({ search: (s) => ({ ...s, all: e.target.checked || undefined }), replace: true })} />
      <Card title="What they began with">
        <Pairs of={given.filter(fits)} none={given.length === 0 ? 'They asked for nothing.' : 'They began with the same.'} />
      </Card>
      <Card title="Stages">
        <Stages left={left} right={right} of={stages} chosen={chosen && key(chosen)} keyOf={key} onChoose={(stage) => void navigate({ search: (s) => ({ ...s, stage: s.stage === stage ? undefined : stage }), replace: true })} />
      </Card>
      {chosen && (
        <Card title={`What differs in “${chosen.name}”`}>
          <h3>Inputs</h3>
          <Diff before={contextText(chosen.left)} after={contextText(chosen.right)} label="Differences of the inputs" />
          <h3>Outputs</h3>
          <Diff before={outputsText(chosen.left)} after={outputsText(chosen.right)} label="Differences of the outputs" />
        </Card>
      )}
    </>
  )
}

function Pairs({ of, none }: { of: Pair[]; none: string }) {
  if (of.length === 0) return <p className="muted">{none}</p>
  return (
    <div className={css.scroll} tabIndex={0} role="region" aria-label="What they began with">
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Left</th>
            <th scope="col">Right</th>
          </tr>
        </thead>
        <tbody>
          {of.map((p) => (
            <tr key={p.name} data-differs={p.differs || undefined}>
              <th scope="row">{p.name}</th>
              <td>{p.left ?? <span className="muted">absent</span>}</td>
              <td>{p.right ?? <span className="muted">absent</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

type StagesProps = { left: Execution; right: Execution; of: StagePair[]; chosen?: string; keyOf: (p: StagePair) => string; onChoose: (key: string) => void }

function Stages({ left, right, of, chosen, keyOf, onChoose }: StagesProps) {
  const times = useMemo(() => [timesOf(left), timesOf(right)] as const, [left, right])
  const longest = Math.max(1, ...times.flatMap((t) => [...t.values()]))
  return (
    <div className={css.scroll} tabIndex={0} role="region" aria-label="Stages of both">
      <table>
        <thead>
          <tr>
            <th scope="col">Stage</th>
            <th scope="col">Left</th>
            <th scope="col">Right</th>
            <th scope="col">Difference</th>
          </tr>
        </thead>
        <tbody>
          {of.map((p) => {
            const l = p.left && times[0].get(p.left.id)
            const r = p.right && times[1].get(p.right.id)
            return (
              <tr key={keyOf(p)} data-differs={p.differs || undefined}>
                <th scope="row" style={{ paddingLeft: 12 + Math.min(p.depth, 6) * 16 }}>
                  <button type="button" className={css.link} aria-pressed={keyOf(p) === chosen} onClick={() => onChoose(keyOf(p))}>
                    {p.name}
                  </button>
                </th>
                <Side stage={p.left} took={l} longest={longest} />
                <Side stage={p.right} took={r} longest={longest} />
                <td className={css.number}>{l === undefined || r === undefined ? '' : l === r ? 'as long' : `${duration(Math.abs(r - l))} ${r > l ? 'longer' : 'shorter'}`}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function Side({ stage, took, longest }: { stage?: Stage; took?: number; longest: number }) {
  if (!stage) return <td className="muted">absent</td>
  return (
    <td>
      <span className={css.side}>
        <StatusIcon status={stage.status} size={14} label="" />
        <span>{wordOf(stage.status)}</span>
        {took !== undefined && (
          <>
            <span className={css.number}>{duration(took)}</span>
            <i className={css.took} style={{ width: `${Math.max(2, (100 * took) / longest)}px` }} aria-hidden />
          </>
        )}
      </span>
    </td>
  )
}

/** timesOf returns how long the stages ran, without what they were queued. */
function timesOf(x: Execution): Map<string, number> {
  return new Map([...timing(x, Date.now()).stages].filter(([, t]) => t.stage.startTime).map(([id, t]) => [id, t.segments.reduce((sum, g) => sum + (g.kind === 'queued' ? 0 : g.to - g.from), 0)]))
}
