import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { keys } from '~/api/live'
import { useOperate } from '~/api/operate'
import { pipelineConfigs, serverGroups } from '~/api/queries'
import { Confirm } from '~/kit/dialog'
import { ErrorBox, Note, Skeleton } from '~/kit/state'
import { useSay } from '~/kit/toast'

const shown = 8

/** DeleteDialog deletes an application that runs nothing, and says what would be lost. */
export function DeleteDialog({ app, onClose }: { app: string; onClose: () => void }) {
  const navigate = useNavigate()
  const client = useQueryClient()
  const operate = useOperate()
  const say = useSay()
  const groups = useQuery(serverGroups(app))
  const pipelines = useQuery(pipelineConfigs(app)).data
  const running = groups.data ?? []
  const remove = async () => {
    await operate({ application: app, description: `Delete Application: ${app}`, job: [{ type: 'deleteApplication', application: { name: app } }] })
    say.done(`${app} is deleted.`)
    await navigate({ to: '/' })
    await client.invalidateQueries({ queryKey: keys.applications })
  }
  return (
    <Confirm open onClose={onClose} title={`Delete ${app}?`} verb="Delete application" danger typed={running.length === 0 ? app : undefined} disabled={!groups.data || running.length > 0} onConfirm={remove}>
      {groups.error && <ErrorBox error={groups.error} retry={() => void groups.refetch()} />}
      {groups.isPending && <Skeleton rows={2} />}
      {running.length > 0 && (
        <>
          <Note tone="bad">
            It still runs {running.length === 1 ? 'a server group' : `${running.length} server groups`}. Destroy {running.length === 1 ? 'it' : 'them'} first, on its{' '}
            <Link to="/applications/$app" params={{ app }} style={{ textDecoration: 'underline' }}>
              fleet
            </Link>
            .
          </Note>
          <ul style={{ paddingLeft: 'var(--space-4)' }}>
            {running.slice(0, shown).map((g) => (
              <li key={`${g.account} ${g.region} ${g.name}`}>
                {g.name} in {g.account}
              </li>
            ))}
            {running.length > shown && <li>and {running.length - shown} more</li>}
          </ul>
        </>
      )}
      {groups.data && running.length === 0 && (
        <p>
          Nothing of it runs. {pipelines && pipelines.length > 0 ? `Its ${pipelines.length === 1 ? 'pipeline is' : `${pipelines.length} pipelines are`} deleted with it. ` : ''}Its executions stay in the database.
        </p>
      )}
    </Confirm>
  )
}
