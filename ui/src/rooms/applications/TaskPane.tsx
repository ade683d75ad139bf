import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, ApiError, must } from '~/api/client'
import { failureOf, isEnded, personOf, type Operation } from '~/api/operate'
import { Button } from '~/kit/button'
import { Json } from '~/kit/code'
import { Confirm, Pane } from '~/kit/dialog'
import { Facts } from '~/kit/page'
import { ErrorBox, Loaded, Note } from '~/kit/state'
import { StatusBadge, StatusIcon } from '~/kit/status'
import { Ago, Took } from '~/kit/time'
import { task } from './queries'
import css from './tasks.module.css'

/** TaskPane shows one operation: what became of it, its steps, and what it was given. */
export function TaskPane({ id, onClose }: { id: string; onClose: () => void }) {
  const query = useQuery(task(id))
  return (
    <Pane onClose={onClose} title={<h2 className={css.paneTitle}>{query.data?.name ?? 'Task'}</h2>}>
      <Loaded query={query}>{(t) => <Details task={t} />}</Loaded>
    </Pane>
  )
}

function Details({ task: t }: { task: Operation }) {
  const client = useQueryClient()
  const [canceling, setCanceling] = useState(false)
  const failure = failureOf(t)
  const cancel = async () => {
    await must(api.PUT('/tasks/{id}/cancel', { params: { path: { id: t.id } } }))
    await client.invalidateQueries({ queryKey: task(t.id).queryKey })
  }
  return (
    <div className={css.stack}>
      {failure && (t.execution.canceled ? <Note tone="wait">{failure.message}</Note> : <ErrorBox error={new ApiError(-1, failure.message, failure.hint)} />)}
      <Facts
        of={[
          ['Status', <StatusBadge status={t.status} />],
          ['By', personOf(t.execution.authentication?.user)],
          ['Origin', t.execution.origin],
          ['Started', <Ago at={t.startTime ?? t.buildTime} />],
          ['Took', <Took from={t.startTime} to={t.endTime} />],
          ['ID', <code>{t.id}</code>],
        ]}
      />
      {!isEnded(t.status) && (
        <div>
          <Button small kind="danger" onClick={() => setCanceling(true)}>
            Cancel task…
          </Button>
        </div>
      )}
      <section className={css.stack}>
        <h3>Steps</h3>
        <ol className={css.steps}>
          {t.steps.map((s, i) => (
            <li key={i}>
              <StatusIcon status={s.status} />
              <span>{s.name}</span>
              <span className="muted">
                <Took from={s.startTime} to={s.endTime} />
              </span>
            </li>
          ))}
        </ol>
      </section>
      <section className={css.stack}>
        <h3>Variables</h3>
        <Json value={Object.fromEntries(t.variables.map((v) => [v.key, v.value]))} label="Variables" />
      </section>
      <Confirm open={canceling} onClose={() => setCanceling(false)} title={`Cancel “${t.name}”?`} verb="Cancel task" danger onConfirm={cancel}>
        <p>The step that runs is told to stop. What was done stays done.</p>
      </Confirm>
    </div>
  )
}
