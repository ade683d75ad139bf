import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState, type FormEvent } from 'react'
import { api, asError, must } from '~/api/client'
import { keys } from '~/api/live'
import { Button } from '~/kit/button'
import { Dialog } from '~/kit/dialog'
import { Checkbox, Field, Input, Select } from '~/kit/field'
import { ErrorBox } from '~/kit/state'
import { emptyForm, formOf, isComplete, problemsOf, settingsOf, type Account, type AccountForm, type Scope, type Way } from './account'
import { Diagnosis } from './Diagnosis'
import css from './setup.module.css'

type Props = { existing: Account[]; account: Account | undefined; onClose: () => void; onSaved: (name: string) => void }

const wayNames: Record<Way, string> = {
  default: '~/.kube/config of the server',
  file: 'A kubeconfig on the server',
  secret: 'A secret that is a kubeconfig',
  pod: 'The service account of the pod that the server runs in',
}
const scopeNames: Record<Scope, string> = { all: 'All namespaces', only: 'Only these', but: 'All but these' }

/** AccountDialog adds a Kubernetes account or changes one. It can be checked before it is saved. */
export default function AccountDialog({ existing, account, onClose, onSaved }: Props) {
  const client = useQueryClient()
  const [form, setForm] = useState<AccountForm>(() => (account?.settings ? formOf(account.settings) : emptyForm))
  const settings = settingsOf(form, account?.settings)
  const check = useMutation({ mutationFn: () => must(api.POST('/api/v1/accounts/check', { body: settings })) })
  const save = useMutation({
    mutationFn: () => must(api.PUT('/api/v1/accounts/{account}', { params: { path: { account: form.name } }, body: settings })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.accounts })
      onSaved(form.name)
    },
  })
  const found = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (check.data || check.error) found.current?.scrollIntoView({ block: 'nearest' })
  }, [check.data, check.error])
  const set = (to: Partial<AccountForm>) => {
    setForm((f) => ({ ...f, ...to }))
    check.reset()
    save.reset()
  }
  const wrong = problemsOf(
    form,
    account ? [] : existing.map((a) => a.name),
  )
  const ready = isComplete(form) && Object.keys(wrong).length === 0
  const submit = (e: FormEvent) => {
    e.preventDefault()
    if (ready && !save.isPending) save.mutate()
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={account ? `Change ${account.name}` : 'Add a Kubernetes cluster'}
      footer={
        <>
          <Button onClick={() => check.mutate()} busy={check.isPending} disabled={!ready}>
            Check
          </Button>
          <Button kind="primary" type="submit" form="account" busy={save.isPending} disabled={!ready}>
            {account ? 'Save' : 'Add account'}
          </Button>
        </>
      }
    >
      <form id="account" className={css.stack} onSubmit={submit} noValidate>
        <Field label="Name" required error={wrong.name} hint={account ? 'The name of an account stays.' : 'What pipelines call it, as prod-1.'}>
          {(p) => <Input {...p} autoFocus value={form.name} disabled={!!account} onChange={(e) => set({ name: e.target.value })} spellCheck={false} autoCapitalize="off" />}
        </Field>
        <Field label="Environment" hint="Such as test or prod; else it is the name.">
          {(p) => <Input {...p} value={form.environment} onChange={(e) => set({ environment: e.target.value })} />}
        </Field>
        <Field label="Credentials">
          {(p) => (
            <Select {...p} value={form.way} onChange={(e) => set({ way: e.target.value as Way })}>
              {Object.entries(wayNames).map(([way, name]) => (
                <option key={way} value={way}>
                  {name}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {form.way === 'file' && (
          <Field label="Path of the kubeconfig" required error={wrong.file} hint="On the server.">
            {(p) => <Input {...p} value={form.file} placeholder="/etc/gennaker/prod.yaml" onChange={(e) => set({ file: e.target.value })} spellCheck={false} />}
          </Field>
        )}
        {form.way === 'secret' && (
          <Field label="Secret" required error={wrong.secret} hint="Where it is: env:NAME, a variable of the server, or file:/path. The text itself is not kept.">
            {(p) => <Input {...p} value={form.secret} placeholder="env:PROD_KUBECONFIG" onChange={(e) => set({ secret: e.target.value })} spellCheck={false} />}
          </Field>
        )}
        {form.way !== 'pod' && (
          <Field label="Context" hint="Of the kubeconfig; empty is its current one.">
            {(p) => <Input {...p} value={form.context} onChange={(e) => set({ context: e.target.value })} spellCheck={false} />}
          </Field>
        )}
        <Field label="Namespaces">
          {(p) => (
            <Select {...p} value={form.scope} onChange={(e) => set({ scope: e.target.value as Scope })}>
              {Object.entries(scopeNames).map(([scope, name]) => (
                <option key={scope} value={scope}>
                  {name}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {form.scope !== 'all' && (
          <Field label={scopeNames[form.scope]} error={wrong.namespaces} hint="With commas between them.">
            {(p) => <Input {...p} value={form.namespaces} placeholder="shop, billing" onChange={(e) => set({ namespaces: e.target.value })} spellCheck={false} />}
          </Field>
        )}
        <Checkbox label="Show only what pipelines deployed" checked={form.managed} onChange={(e) => set({ managed: e.target.checked })} />
        <Field label="Seconds until proxies follow" error={wrong.settleSeconds} hint="How long gateways may take to follow a change of endpoints; empty is 5, or more while the cluster is slow.">
          {(p) => <Input {...p} type="number" min={0} value={form.settleSeconds} onChange={(e) => set({ settleSeconds: e.target.value })} />}
        </Field>
      </form>
      {save.error && <ErrorBox error={asError(save.error)} />}
      <div ref={found}>
        <Diagnosis found={check.data} error={check.error} />
      </div>
    </Dialog>
  )
}
