// One execution: why it failed or what it waits for first, then its stages as
// graph, bar or waterfall, and the one that is looked at.
import { useInfiniteQuery, useQueries, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useCallback, useMemo } from 'react'
import { execution, type Execution } from '~/api/queries'
import { useKeys } from '~/kit/keys'
import { Json } from '~/kit/code'
import { Dialog } from '~/kit/dialog'
import { Page, useTitle } from '~/kit/page'
import { personOf } from '~/kit/person'
import { Empty, Loaded, Note, Skeleton } from '~/kit/state'
import { StatusBadge, StatusIcon, wordOf } from '~/kit/status'
import { Ago, Took, useNow } from '~/kit/time'
import { Actions } from './Actions'
import css from './execution.module.css'
import { failureOf, type Failure } from './failure'
import { FailureBox } from './FailureBox'
import { JudgmentBox } from './Judgment'
import { runs, useLiveRuns } from './queries'
import type { ExecutionSearch, View } from './search'
import { StageBar, StepList } from './StageBar'
import { StageDetails } from './StageDetails'
import { StageGraph } from './StageGraph'
import { childOf, isEnded, isJudging, progress, statusOf, tree } from './stages'
import { StartDialog } from './StartDialog'
import { summary, timing } from './timing'
import { artifactName, artifactsOf, parametersOf, reasonOf } from './trigger'
import { Waterfall } from './Waterfall'

const route = getRouteApi('/applications/$app/executions/$id')

export default function ExecutionPage() {
  const { app, id } = route.useParams()
  const query = useQuery(execution(id))
  useLiveRuns(app)
  if (query.data === undefined)
    return (
      <Page title="Execution">
        <Loaded query={query} skeleton={<Skeleton rows={8} height={48} />}>
          {() => null}
        </Loaded>
      </Page>
    )
  return <Loaded query={query}>{(x) => <Shown key={id} app={app} x={x} />}</Loaded>
}

const none: ReadonlyMap<string, Execution> = new Map()
/** Executions that were started by this one, and are read with it. */
const mostChildren = 20

/** useChildren reads the executions that stages of this one wait for. */
function useChildren(x: Execution): ReadonlyMap<string, Execution> {
  const ids = x.stages.map(childOf).filter((id) => id !== undefined).slice(0, mostChildren)
  return useQueries({
    queries: ids.map((id) => execution(id)),
    combine: useCallback((results: { data: Execution | undefined }[]) => {
      const found = results.map((r) => r.data).filter((d) => d !== undefined)
      return found.length === 0 ? none : new Map(found.map((d) => [d.id, d]))
    }, []),
  })
}

function Shown({ app, x }: { app: string; x: Execution }) {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/applications/$app/executions/$id' })
  const change = useCallback((by: Partial<ExecutionSearch>) => void navigate({ search: (s) => ({ ...s, ...by }), replace: true }), [navigate])
  const children = useChildren(x)
  const judgments = [x, ...children.values()].filter((e) => e.status === 'RUNNING').flatMap((e) => e.stages.filter(isJudging).map((stage) => ({ e, stage })))
  const status = judgments.length > 0 ? 'WAITING' : statusOf(x)
  const failure = useMemo(() => failureOf(x), [x])
  const rows = useMemo(() => tree(x.stages), [x.stages])
  const selected = search.stage ?? failure?.stage?.id ?? x.stages.find(isJudging)?.id ?? rows.filter((r) => r.stage.status === 'RUNNING').at(-1)?.stage.id
  const stage = x.stages.find((s) => s.id === selected)
  const select = useCallback((id: string) => change({ stage: id }), [change])
  const view = search.view ?? 'graph'
  useTitle(`${x.name ?? 'Execution'}${isEnded(x.status) ? '' : ` ${progress(x)}`} · ${app}`, status, wordOf(status))
  useRoute(x, view, selected, rows.map((r) => r.stage.id), change)
  return (
    <Page
      title={
        <>
          <StatusIcon status={status} size={20} label="" /> {x.name ?? x.id}
        </>
      }
      sub={<Sub x={x} status={status} />}
      actions={<Actions app={app} x={x} stage={stage} onRerun={() => change({ rerun: true })} onRaw={() => change({ raw: true })} />}
    >
      {failure && <FailureBox x={x} failure={failure} onStage={select} />}
      <Canceled x={x} failure={failure} />
      {judgments.map(({ e, stage: s }) => (
        <JudgmentBox key={s.id} x={e} stage={s} />
      ))}
      {x.status === 'NOT_STARTED' && <Note tone="wait">It waits for another run of {x.name ?? 'the pipeline'} to end.</Note>}
      {x.status === 'PAUSED' && <Note tone="wait">It was paused{x.paused?.pausedBy ? ` by ${x.paused.pausedBy}` : ''}. What runs goes on to its end; nothing new begins.</Note>}
      <Given x={x} />
      {x.stages.length === 0 ? (
        <Empty title="It has no stages" />
      ) : (
        <div className={css.split} data-open={stage ? true : undefined}>
          <Views x={x} view={view} others={children} selected={selected} onView={(v) => change({ view: v })} onSelect={select} />
          {stage ? (
            <section className={css.stage} aria-label={`Stage ${stage.name}`}>
              <h2>{stage.name}</h2>
              <StageDetails x={x} stage={stage} tab={search.tab ?? 'tasks'} onTab={(tab) => change({ tab, stage: stage.id })} told={{ judgment: true, failure: failure?.stage?.id === stage.id }} />
            </section>
          ) : (
            search.stage && <Note tone="wait">The stage of this link is not there any more; it was restarted.</Note>
          )}
        </div>
      )}
      {search.raw && (
        <Dialog open wide onClose={() => change({ raw: undefined })} title={`${x.name ?? x.id} as JSON`}>
          <Json value={x} label="The execution as JSON" />
        </Dialog>
      )}
      {search.rerun && x.pipelineConfigId && <StartDialog app={app} pipeline={x.pipelineConfigId} rerun={x.id} onClose={() => change({ rerun: undefined })} />}
    </Page>
  )
}

/** useRoute moves with keys: between executions of the list, views and stages. */
function useRoute(x: Execution, view: View, selected: string | undefined, stages: string[], change: (by: Partial<ExecutionSearch>) => void) {
  const navigate = useNavigate()
  const list = useInfiniteQuery(runs(x.application, { pipeline: x.pipelineConfigId })).data?.pages.flatMap((p) => p.items) ?? []
  const at = list.findIndex((i) => i.id === x.id)
  const to = (by: number) => {
    const next = at < 0 ? undefined : list[at + by]
    if (next) void navigate({ to: '/applications/$app/executions/$id', params: { app: next.application, id: next.id }, search: { view } })
  }
  const move = (by: number) => {
    const i = stages.findIndex((s) => s === selected)
    change({ stage: stages[Math.max(0, Math.min(stages.length - 1, i + by))] })
  }
  useKeys('Execution', {
    '[': { does: 'Execution before', run: () => to(1) },
    ']': { does: 'Execution after', run: () => to(-1) },
    '1': { does: 'Graph', run: () => change({ view: 'graph' }) },
    '2': { does: 'Bar', run: () => change({ view: 'bar' }) },
    '3': { does: 'Waterfall', run: () => change({ view: 'waterfall' }) },
    // The waterfall is a list, which has these keys itself.
    ...(view !== 'waterfall' && { j: { does: 'Next stage', run: () => move(1) }, k: { does: 'Previous stage', run: () => move(-1) } }),
  })
}

function Sub({ x, status }: { x: Execution; status: string }) {
  const reason = reasonOf(x)
  return (
    <span className={css.sub}>
      <StatusBadge status={status} />
      <span>
        started {reason.parent ? 'by ' : reason.text}
        {reason.parent && (
          <Link to="/applications/$app/executions/$id" params={{ app: reason.parent.application, id: reason.parent.id }} className={css.link}>
            {reason.parent.name}
          </Link>
        )}
        {reason.user && ` (${reason.user})`}
      </span>
      <Ago at={x.startTime ?? x.buildTime} />
      {x.startTime && (
        <span className={css.number}>
          {isEnded(x.status) ? 'took ' : 'for '}
          <Took from={x.startTime} to={x.endTime ?? (isEnded(x.status) ? x.startTime : undefined)} />
        </span>
      )}
      <span className={css.number}>{progress(x)} stages</span>
      {reason.dryRun && <span>dry run</span>}
    </span>
  )
}

function Canceled({ x, failure }: { x: Execution; failure?: Failure }) {
  if (x.status !== 'CANCELED' && !(x.canceled && !isEnded(x.status))) return null
  return (
    <Note tone="idle">
      {x.status === 'CANCELED' ? 'Canceled' : 'Being canceled'}
      {personOf(x.canceledBy) ? ` by ${x.canceledBy}` : ''}
      {x.cancellationReason && x.cancellationReason !== failure?.cause ? `: ${x.cancellationReason}` : '.'}
    </Note>
  )
}

/** Given are the parameters and artifacts that it began with. */
function Given({ x }: { x: Execution }) {
  const parameters = parametersOf(x)
  const artifacts = artifactsOf(x)
  if (parameters.length + artifacts.length === 0) return null
  return (
    <dl className={css.given} aria-label="What it began with">
      {parameters.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd title={value}>{value}</dd>
        </div>
      ))}
      {artifacts.map((a, i) => (
        <div key={i}>
          <dt>artifact</dt>
          <dd title={a.reference}>{artifactName(a)}</dd>
        </div>
      ))}
    </dl>
  )
}

const views: { view: View; name: string }[] = [
  { view: 'graph', name: 'Graph' },
  { view: 'bar', name: 'Bar' },
  { view: 'waterfall', name: 'Waterfall' },
]

type ViewsProps = { x: Execution; view: View; others: ReadonlyMap<string, Execution>; selected?: string; onView: (v: View) => void; onSelect: (stage: string) => void }

/** Views shows the stages in one of three ways; while it runs, time goes on in them. */
function Views(props: ViewsProps) {
  return isEnded(props.x.status) ? <Timed {...props} now={props.x.endTime ?? 0} /> : <Live {...props} />
}

function Live(props: ViewsProps) {
  return <Timed {...props} now={useNow()} />
}

function Timed({ x, view, others, selected, onView, onSelect, now }: ViewsProps & { now: number }) {
  const t = useMemo(() => timing(x, now, others), [x, now, others])
  const waiting = useMemo(() => new Set(x.stages.filter((s) => others.get(childOf(s) ?? '')?.stages.some(isJudging)).map((s) => s.id)), [x, others])
  const sentence = summary(t)
  return (
    <section className={css.views} aria-label="Stages">
      <div className={css.choose}>
        <div role="group" aria-label="View" className={css.chips}>
          {views.map((v) => (
            <button key={v.view} type="button" aria-pressed={v.view === view} onClick={() => onView(v.view)}>
              {v.name}
            </button>
          ))}
        </div>
        {sentence && <p className="muted">{sentence}</p>}
      </div>
      {view === 'graph' && <StageGraph x={x} timing={t} waiting={waiting} selected={selected} onSelect={onSelect} />}
      {view === 'bar' && (
        <>
          <StageBar x={x} tall selected={selected} onOpen={(s) => onSelect(s.id)} />
          <StepList x={x} now={now} selected={selected} onOpen={(s) => onSelect(s.id)} />
        </>
      )}
      {view === 'waterfall' && <Waterfall x={x} timing={t} waiting={waiting} selected={selected} onSelect={onSelect} />}
    </section>
  )
}
