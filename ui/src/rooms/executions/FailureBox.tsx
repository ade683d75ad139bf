// What failed, first: one sentence of cause, what it was about, and what to do.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { asError } from '~/api/client'
import type { Execution } from '~/api/queries'
import { Button, Keys } from '~/kit/button'
import { Code } from '~/kit/code'
import { ErrorBox } from '~/kit/state'
import { StatusIcon } from '~/kit/status'
import { useAct } from './act'
import type { Failure, Resource } from './failure'
import css from './failure.module.css'
import { failedStages, logTail } from './queries'
import { reasonOf } from './trigger'

export function FailureBox({ x, failure, onStage }: { x: Execution; failure: Failure; onStage: (id: string) => void }) {
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  const act = useAct()
  const parent = reasonOf(x).parent
  const { retry } = failure
  const again = async (stage: string) => {
    setBusy(true)
    setError(undefined)
    try {
      await act.restart(x.id, stage)
    } catch (e) {
      setError(e)
    } finally {
      setBusy(false)
    }
  }
  return (
    <section className={css.failure} data-tone={failure.ignored ? 'wait' : 'bad'} aria-label="Why it failed">
      <StatusIcon status={failure.ignored ? 'FAILED_CONTINUE' : 'TERMINAL'} label="" />
      <div className={css.body}>
        <p className={css.cause}>{failure.cause}</p>
        {failure.more.length > 0 && (
          <ul>
            {failure.more.slice(0, 5).map((m) => (
              <li key={m}>{m}</li>
            ))}
          </ul>
        )}
        <p className={css.where}>
          {failure.stage && (
            <>
              In{' '}
              <button type="button" className={css.link} onClick={() => onStage(failure.stage!.id)}>
                {failure.where}
              </button>
            </>
          )}
          {failure.resource && (
            <>
              {' · '}
              <ResourceLink app={x.application} of={failure.resource} />
            </>
          )}
          {parent && (
            <>
              {' · started by '}
              <Link to="/applications/$app/executions/$id" params={{ app: parent.application, id: parent.id }} className={css.link}>
                {parent.name}
              </Link>
            </>
          )}
          {failure.ignored && ' · the failure was ignored'}
        </p>
        {failure.child && <Below id={x.id} />}
        {failure.hint && <p className={css.hint}>What to do: {failure.hint}.</p>}
        {failure.log ? <Code text={failure.log.slice(-4_000)} label="Last lines of the log" /> : failure.resource?.kind === 'serverGroup' && failure.instances.length > 0 && <LastLines of={failure.resource} instance={failure.instances[0]!} />}
        {retry && !failure.ignored && (
          <div>
            <Button kind="primary" busy={busy} onClick={() => void again(retry.id)}>
              Retry from “{retry.name}” <Keys of="r" />
            </Button>
          </div>
        )}
        {error !== undefined && <ErrorBox error={asError(error)} />}
      </div>
    </section>
  )
}

/** Below tells what failed in the executions that were started. */
function Below({ id }: { id: string }) {
  const { data } = useQuery(failedStages(id))
  return data
    ?.filter((f) => f.pipelineExecutionId !== id)
    .map((f) => (
      <p key={f.stageId}>
        <Link to="/applications/$app/executions/$id" params={{ app: f.pipelineApplication, id: f.pipelineExecutionId }} search={{ stage: f.stageId }} className={css.link}>
          {f.pipelineExecutionName} / {f.stageName}
        </Link>
        {f.stageException && <>: {f.stageException}</>}
      </p>
    ))
}

/** LastLines shows what an instance wrote last, if its log is still there. */
function LastLines({ of, instance }: { of: Resource; instance: string }) {
  const { data } = useQuery(logTail({ account: of.account, region: of.region, name: of.name }, instance))
  if (!data) return null
  return (
    <details className={css.log} open>
      <summary>Last lines of {instance}</summary>
      <Code text={data.trimEnd().split('\n').slice(-8).join('\n')} label={`Last lines of ${instance}`} />
    </details>
  )
}

/** ResourceLink names what a stage worked on; a server group leads to the fleet. */
export function ResourceLink({ app, of }: { app: string; of: Resource }) {
  if (of.kind !== 'serverGroup')
    return (
      <span>
        {of.kind} {of.name}
      </span>
    )
  return (
    <Link to="/applications/$app" params={{ app }} search={{ sg: `${of.account}/${of.region}/${of.name}` }} className={css.link}>
      {of.name}
    </Link>
  )
}
