import { useQuery } from '@tanstack/react-query'
import { Note } from '~/kit/state'
import { accounts } from './queries'

/** Lost names the accounts that do not answer, and so may hide something. Who may not see accounts sees the age of rows only. */
export function Lost({ app, rows }: { app: string; rows: { account: string }[] }) {
  const query = useQuery({ ...accounts(), retry: false })
  const lost = (query.data ?? []).filter((a) => !a.state.connected)
  if (lost.length === 0) return null
  return (
    <>
      {lost.map((a) => (
        <Note key={a.name} tone="wait">
          Account {a.name} does not answer: {a.state.reason || 'the reason is not known'}. {rows.some((r) => r.account === a.name) ? `What you see of ${app} in it is how it was.` : `What ${app} has in it is not shown.`}
        </Note>
      ))}
    </>
  )
}
