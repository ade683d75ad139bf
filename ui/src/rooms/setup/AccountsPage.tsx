import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { accounts } from '~/api/queries'
import { Button, Keys } from '~/kit/button'
import { useKeys } from '~/kit/keys'
import { VirtualList } from '~/kit/list'
import { Page, useTitle } from '~/kit/page'
import { Loaded } from '~/kit/state'
import { StatusIcon } from '~/kit/status'
import { useNow } from '~/kit/time'
import { sources, standing, type Account } from './account'
import { AccountPane } from './AccountPane'
import type { AccountSearch } from './search'
import css from './setup.module.css'

const AccountDialog = lazy(() => import('./AccountDialog'))
const route = getRouteApi('/accounts')

export default function AccountsPage() {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/accounts' })
  const change = (to: AccountSearch) => void navigate({ search: (s) => ({ ...s, ...to }), replace: true })
  const query = useQuery(accounts())
  const lost = query.data?.filter((a) => standing(a, 0).status === 'Down').length ?? 0
  useTitle('Accounts', lost > 0 ? 'Down' : undefined, lost > 0 ? `${lost} not connected` : undefined)
  useKeys('Accounts', { n: { does: 'Add a cluster', run: () => change({ form: 'new' }) } })
  const open = query.data?.find((a) => a.name === search.account)
  return (
    <div className={css.split}>
      <div className={css.main}>
        <Page
          fill
          title="Accounts"
          sub="Where applications run: this machine, and Kubernetes clusters."
          actions={
            <Button kind="primary" onClick={() => change({ form: 'new' })}>
              Add a cluster <Keys of="n" />
            </Button>
          }
        >
          <Loaded query={query}>
            {(list) => (
              <div className={css.table}>
                <div className={`${css.columns} ${css.header}`} aria-hidden>
                  <span>Account</span>
                  <span>State</span>
                  <span>Environment</span>
                  <span>Objects</span>
                  <span>Source</span>
                </div>
                <VirtualList items={list} label="Accounts" rowKey={(a) => a.name} height={() => 52} selected={search.account} onOpen={(a) => change({ account: a.name })}>
                  {(a) => <AccountRow account={a} open={a.name === search.account} onOpen={() => change({ account: a.name === search.account ? undefined : a.name })} />}
                </VirtualList>
              </div>
            )}
          </Loaded>
        </Page>
      </div>
      {search.account && query.data && <AccountPane key={search.account} name={search.account} account={open} onClose={() => change({ account: undefined })} onEdit={() => change({ form: 'edit' })} />}
      <Suspense>
        {query.data && (search.form === 'new' || (search.form === 'edit' && open)) && (
          <AccountDialog
            existing={query.data}
            account={search.form === 'edit' ? open : undefined}
            onClose={() => change({ form: undefined })}
            onSaved={(name) => change({ form: undefined, account: name })}
          />
        )}
      </Suspense>
    </div>
  )
}

function AccountRow({ account, open, onOpen }: { account: Account; open: boolean; onOpen: () => void }) {
  const { status, says } = standing(account, useNow())
  return (
    <div className={`${css.columns} ${css.row}`} data-open={open || undefined}>
      <div className={css.what}>
        <StatusIcon status={status} />
        <div className={css.names}>
          <button type="button" className={css.name} onClick={onOpen} aria-expanded={open}>
            {account.name}
          </button>
          <div className={css.about}>{account.type}</div>
        </div>
      </div>
      <div className={css.says} title={says}>
        {says}
      </div>
      <div className={css.optional}>{account.environment ?? '–'}</div>
      <div className={css.optional}>{account.state.objects?.toLocaleString('en') ?? '–'}</div>
      <div className={css.optional}>{sources[account.source] ?? account.source}</div>
    </div>
  )
}
