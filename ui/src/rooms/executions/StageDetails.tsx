// One stage: what it did and how long, what it was given and what it left, and
// what can be done to it.
import { Link } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import type { Execution, Stage } from '~/api/queries'
import { Button } from '~/kit/button'
import { Code, Json } from '~/kit/code'
import { Confirm } from '~/kit/dialog'
import { Facts } from '~/kit/page'
import { Skeleton } from '~/kit/state'
import { StatusBadge, StatusIcon } from '~/kit/status'
import { Tabs, type Tab } from '~/kit/tabs'
import { Took } from '~/kit/time'
import { useAct } from './act'
import { failureOfStage, resourceOf, serverGroupsOf } from './failure'
import { ResourceLink } from './FailureBox'
import { Judged, JudgmentBox } from './Judgment'
import type { DetailsTab } from './search'
import { childOf, isEnded, isJudging, pathOf, statusOfStage, topOf } from './stages'
import css from './details.module.css'
import { jobLog, jobOf, manifestsOf, valuesOf, type Job } from './values'

const LogView = lazy(() => import('~/kit/log'))

type Props = { x: Execution; stage: Stage; tab: DetailsTab; onTab: (tab: DetailsTab) => void; /** What is told elsewhere on the page. */ told?: { judgment?: boolean; failure?: boolean } }

export function StageDetails({ x, stage, tab, onTab, told = {} }: Props) {
  const failure = failureOfStage(x, stage)
  const child = childOf(stage)
  const made = serverGroupsOf(stage)
  const resource = resourceOf(stage)
  const log = jobLog({ ...stage.context, ...stage.outputs })
  const words = stage.context.comments
  const manifests = manifestsOf(stage.outputs)
  const job = jobOf(stage.context)
  const tabs: Tab<DetailsTab>[] = [
    { key: 'tasks', label: `Tasks ${stage.tasks.length || ''}`, content: () => <Tasks stage={stage} /> },
    { key: 'inputs', label: 'Inputs', content: () => <Values of={stage.context} none="It was given nothing." /> },
    { key: 'outputs', label: 'Outputs', content: () => <Values of={stage.outputs} none="It left nothing to the stages behind it." /> },
    { key: 'json', label: 'JSON', content: () => <Json value={stage} label={`${stage.name} as JSON`} /> },
  ]
  if (job) tabs.splice(1, 0, { key: 'log', label: 'Log', content: () => <JobLog job={job} begins={!isEnded(stage.status)} /> })
  return (
    <div className={css.details}>
      <div className={css.head}>
        <StatusBadge status={statusOfStage(stage)} />
        <span className="muted">{stage.type}</span>
        <span className={css.took}>
          <Took from={stage.startTime} to={stage.endTime ?? (isEnded(stage.status) ? stage.startTime : undefined)} />
        </span>
        <Actions x={x} stage={stage} />
      </div>
      {stage.parentStageId && <p className="muted">{pathOf(x.stages, stage)}</p>}
      {failure && !told.failure && (
        <div className={css.failed} data-tone={failure.ignored ? 'wait' : 'bad'}>
          <p>{failure.cause}</p>
          {failure.hint && <p>What to do: {failure.hint}.</p>}
        </div>
      )}
      {isJudging(stage) && !told.judgment && <JudgmentBox x={x} stage={stage} />}
      <Judged stage={stage} />
      <Facts
        of={[
          ['Made', made.length > 0 && made.map((g) => <div key={g.region + g.name}><ResourceLink app={x.application} of={g} /></div>)],
          ['Works on', made.length === 0 && resource && <ResourceLink app={x.application} of={resource} />],
          ['Applied', manifests.length > 0 && manifests.map((m) => <div key={m}>{m}</div>)],
          ['Where', resource && [resource.account, resource.region].filter(Boolean).join(' / ')],
          ['Started', child && <Link to="/applications/$app/executions/$id" params={{ app: String(stage.context.application ?? x.application), id: child }} className={css.link}>{String(stage.context.executionName ?? 'the child pipeline')}</Link>],
          ['Comments', typeof words === 'string' && words],
        ]}
      />
      {log && (
        <details className={css.log} open={failure !== undefined}>
          <summary>{log.title}</summary>
          <Code text={log.text.slice(-20_000)} label={log.title} />
        </details>
      )}
      <Tabs label="Details of the stage" current={tab} onChange={onTab} tabs={tabs} />
    </div>
  )
}

function Actions({ x, stage }: { x: Execution; stage: Stage }) {
  const act = useAct()
  const [asked, setAsked] = useState<'restart' | 'skip'>()
  const top = topOf(x.stages, stage)
  const waits = stage.status === 'RUNNING' && (stage.type === 'wait' || stage.type === 'restrictExecutionDuringTimeWindow' || (stage.type === 'webhook' && stage.context.waitBeforeMonitor !== undefined))
  const restartable = isEnded(top.status) || (top.status === 'NOT_STARTED' && isEnded(x.status))
  return (
    <span className={css.actions}>
      {waits && (
        <Button small onClick={() => act.skipWait(x.id, stage.id)}>
          Skip the wait
        </Button>
      )}
      {stage.context.canManuallySkip === true && stage.status === 'RUNNING' && (
        <Button small onClick={() => setAsked('skip')}>
          Skip the stage
        </Button>
      )}
      {restartable && (
        <Button small onClick={() => setAsked('restart')}>
          Restart from here
        </Button>
      )}
      <Confirm open={asked === 'restart'} onClose={() => setAsked(undefined)} title={`Restart from “${top.name}”?`} verb="Restart" onConfirm={() => act.restart(x.id, top.id)}>
        <p>It runs again, and so do the stages behind it. What they did before is not undone.</p>
        {top !== stage && <p className="muted">“{stage.name}” is a part of it.</p>}
      </Confirm>
      <Confirm open={asked === 'skip'} onClose={() => setAsked(undefined)} title={`Skip “${stage.name}”?`} verb="Skip" onConfirm={() => act.skipStage(x.id, stage.id)}>
        <p>It ends here, and the stages behind it begin. What it started goes on by itself.</p>
      </Confirm>
    </span>
  )
}

/** JobLog is what a job wrote and writes; a pod that comes in another's place is followed too. */
function JobLog({ job, begins }: { job: Job; begins: boolean }) {
  const path = [job.account, job.location, job.name].map(encodeURIComponent).join('/')
  return (
    <div className={css.jobLog}>
      <Suspense fallback={<Skeleton rows={6} height={24} />}>
        <LogView key={`${path} ${job.pod}`} url={`/api/v1/jobs/${path}/logs?follow=true&tail=${256 << 10}`} begins={begins} />
      </Suspense>
    </div>
  )
}

function Tasks({ stage }: { stage: Stage }) {
  if (stage.tasks.length === 0) return <p className={css.none}>{stage.status === 'NOT_STARTED' ? 'It has not begun.' : 'It has no tasks of its own; its parts do the work.'}</p>
  return (
    <ol className={css.tasks}>
      {stage.tasks.map((t) => (
        <li key={t.id}>
          <StatusIcon status={t.status} size={14} />
          <span>{t.name}</span>
          <span className={css.took}>
            <Took from={t.startTime} to={t.endTime} />
          </span>
        </li>
      ))}
    </ol>
  )
}

function Values({ of, none }: { of: Record<string, unknown>; none: string }) {
  const values = valuesOf(of)
  if (values.length === 0) return <p className={css.none}>{none}</p>
  return (
    <dl className={css.values}>
      {values.map((v) => (
        <div key={v.name}>
          <dt>{v.name}</dt>
          <dd>{v.long ? <Code text={v.text} label={v.name} /> : v.text}</dd>
        </div>
      ))}
    </dl>
  )
}
