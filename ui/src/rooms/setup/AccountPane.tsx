import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, must } from '~/api/client'
import { keys } from '~/api/live'
import { Button } from '~/kit/button'
import { Json } from '~/kit/code'
import { Confirm, Pane } from '~/kit/dialog'
import { Facts } from '~/kit/page'
import { Empty, Note } from '~/kit/state'
import { StatusBadge, StatusIcon, toneOf } from '~/kit/status'
import { useSay } from '~/kit/toast'
import { Ago, useNow } from '~/kit/time'
import { sentence, sources, standing, standingWords, type Account } from './account'
import { Diagnosis } from './Diagnosis'
import css from './setup.module.css'

type Props = { name: string; account: Account | undefined; onClose: () => void; onEdit: () => void }

/** AccountPane shows one account, what is wrong with it, and what can be done. */
export function AccountPane({ name, account, onClose, onEdit }: Props) {
  return (
    <Pane onClose={onClose} title={<h2 className={css.paneTitle}>{name}</h2>}>
      {account ? (
        <Details account={account} onClose={onClose} onEdit={onEdit} />
      ) : (
        <Empty title="There is no such account">It was removed, or never was.</Empty>
      )}
    </Pane>
  )
}

function Details({ account, onClose, onEdit }: { account: Account; onClose: () => void; onEdit: () => void }) {
  const now = useNow()
  const say = useSay()
  const client = useQueryClient()
  const [removing, setRemoving] = useState(false)
  const { name, state, settings } = account
  const { status, says } = standing(account, now)
  const check = useMutation({ mutationFn: () => must(api.POST('/api/v1/accounts/{account}/check', { params: { path: { account: name } } })) })
  const remove = async () => {
    await must(api.DELETE('/api/v1/accounts/{account}', { params: { path: { account: name } } }))
    await client.invalidateQueries({ queryKey: keys.accounts })
    say.done(`${name} is forgotten; what runs there goes on.`)
    onClose()
  }
  return (
    <div className={css.stack}>
      {(status === 'Down' || status === 'SUSPENDED') && (
        <Note tone={toneOf(status) === 'bad' ? 'bad' : 'wait'}>
          <p>{says}</p>
          {state.hint && <p>{sentence(state.hint)}</p>}
        </Note>
      )}
      <Facts
        of={[
          ['State', <StatusBadge status={status}>{standingWords[status]}</StatusBadge>],
          ['Since', state.since && <Ago at={state.since} />],
          ['Data of', !state.connected && state.seenAt && <Ago at={state.seenAt} />],
          ['Type', account.type],
          ['Environment', account.environment],
          ['Regions', account.regions.join(', ')],
          ['Objects', state.objects?.toLocaleString('en')],
          ['Source', sources[account.source] ?? account.source],
        ]}
      />
      {account.source === 'stored' && (
        <div className={css.buttons}>
          <Button small onClick={onEdit}>
            Change…
          </Button>
          <Button small kind="danger" onClick={() => setRemoving(true)}>
            Remove…
          </Button>
        </div>
      )}
      {account.source === 'configuration' && <p className="muted">It stands in the configuration file, and is changed there.</p>}
      {settings && (
        <section className={css.stack}>
          <header className={css.sectionHead}>
            <h3>Diagnosis</h3>
            <Button small busy={check.isPending} onClick={() => check.mutate()}>
              {check.data ? 'Check again' : 'Check'}
            </Button>
          </header>
          {!check.data && !check.error && !check.isPending && <p className="muted">Tries the credentials now, and names each permission that is missing.</p>}
          {check.isPending && (
            <p className={css.checking}>
              <StatusIcon status="RUNNING" label="" /> Asking the cluster…
            </p>
          )}
          {!check.isPending && <Diagnosis found={check.data} error={check.error} />}
        </section>
      )}
      {settings && (
        <section className={css.stack}>
          <h3>Settings</h3>
          <Json value={settings} label={`Settings of ${name}`} />
        </section>
      )}
      <Confirm open={removing} onClose={() => setRemoving(false)} title={`Remove ${name}?`} verb="Remove account" danger onConfirm={remove}>
        <p>The server forgets the account and its settings. What runs in the cluster goes on; pipelines that deploy there fail until it is added again.</p>
      </Confirm>
    </div>
  )
}
