// What can be done to an execution, with keys.
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { Execution, Stage } from '~/api/queries'
import { Button, IconButton } from '~/kit/button'
import { Confirm } from '~/kit/dialog'
import { Field, Input } from '~/kit/field'
import { useKeys } from '~/kit/keys'
import { Menu } from '~/kit/menu'
import { useAct } from './act'
import { failureOf } from './failure'
import { runs } from './queries'
import { isEnded, topOf } from './stages'

type Props = { app: string; x: Execution; stage?: Stage; onRerun: () => void; onRaw: () => void }

export function Actions({ app, x, stage, onRerun, onRaw }: Props) {
  const act = useAct()
  const navigate = useNavigate()
  const [asked, setAsked] = useState<'cancel' | 'delete' | 'restart'>()
  const [reason, setReason] = useState('')
  const over = isEnded(x.status)
  const list = useInfiniteQuery(runs(app, { pipeline: x.pipelineConfigId })).data?.pages.flatMap((p) => p.items) ?? []
  const before = list[list.findIndex((i) => i.id === x.id) + 1]
  const from = stage ? topOf(x.stages, stage) : failureOf(x)?.retry
  const restartable = from !== undefined && (isEnded(from.status) || over)
  const rerunnable = x.pipelineConfigId !== undefined
  useKeys('Do', {
    ...(!over && { c: { does: 'Cancel the execution', run: () => setAsked('cancel') } }),
    ...(x.status === 'RUNNING' && { p: { does: 'Pause', run: () => act.pause(x.id) } }),
    ...(x.status === 'PAUSED' && { p: { does: 'Resume', run: () => act.resume(x.id) } }),
    ...(restartable && { r: { does: 'Restart from the selected stage', run: () => setAsked('restart') } }),
    ...(rerunnable && { s: { does: 'Start it again', run: onRerun } }),
  })
  return (
    <>
      {x.status === 'RUNNING' && <Button onClick={() => act.pause(x.id)}>Pause</Button>}
      {x.status === 'PAUSED' && (
        <Button kind="primary" onClick={() => act.resume(x.id)}>
          Resume
        </Button>
      )}
      {!over && (
        <Button kind="danger" disabled={x.canceled} onClick={() => setAsked('cancel')}>
          Cancel
        </Button>
      )}
      {rerunnable && <Button onClick={onRerun}>Run again</Button>}
      <Menu
        label="More to do"
        trigger={<IconButton label="More to do">⋯</IconButton>}
        items={[
          ...(before ? [{ label: 'Compare with the run before', onSelect: () => void navigate({ to: '/applications/$app/executions/$id/compare/$other', params: { app, id: before.id, other: x.id } }) }] : []),
          { label: 'Show as JSON', onSelect: onRaw },
          ...(x.pipelineConfigId ? [{ label: 'Edit the pipeline', onSelect: () => void navigate({ to: '/applications/$app/pipelines/$pipeline', params: { app, pipeline: x.pipelineConfigId! } }) }] : []),
          'line' as const,
          { label: 'Delete', danger: true, disabled: !over, why: 'It has not ended', onSelect: () => setAsked('delete') },
        ]}
      />
      <Confirm open={asked === 'cancel'} onClose={() => setAsked(undefined)} title={`Cancel ${x.name ?? 'the execution'}?`} verb="Cancel the execution" danger onConfirm={() => act.cancel(x.id, reason)}>
        <p>What runs is stopped, and nothing new begins. What was done is not undone.</p>
        <Field label="Reason" hint="It stands with the execution.">
          {(props) => <Input {...props} value={reason} onChange={(e) => setReason(e.target.value)} />}
        </Field>
      </Confirm>
      {from && (
        <Confirm open={asked === 'restart'} onClose={() => setAsked(undefined)} title={`Restart from “${from.name}”?`} verb="Restart" onConfirm={() => act.restart(x.id, from.id)}>
          <p>It runs again, and so do the stages behind it. What they did before is not undone.</p>
        </Confirm>
      )}
      <Confirm
        open={asked === 'delete'}
        onClose={() => setAsked(undefined)}
        title={`Delete this execution of ${x.name ?? 'the pipeline'}?`}
        verb="Delete"
        danger
        onConfirm={() => act.remove(x).then(() => navigate({ to: '/applications/$app/pipelines', params: { app } }))}
      >
        <p>What it did stays; that it was done is forgotten.</p>
      </Confirm>
    </>
  )
}
