import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { asError, type ApiError } from '~/api/client'
import { useOperate } from '~/api/operate'
import { accounts } from '~/api/queries'
import { Button } from '~/kit/button'
import { Dialog } from '~/kit/dialog'
import { Checkbox, Field, Input } from '~/kit/field'
import { ErrorBox } from '~/kit/state'
import { dashNote, nameProblem } from './name'
import css from './applications.module.css'

/** providerNames are the cloud providers that the server has, as people call them. */
const providerNames: Record<string, string> = { local: 'This machine', kubernetes: 'Kubernetes' }

/** CreateDialog makes an application, and goes to it. */
export function CreateDialog({ existing, onClose }: { existing: { name: string; saved: boolean }[]; onClose: () => void }) {
  const navigate = useNavigate()
  const operate = useOperate()
  const known = useQuery(accounts()).data?.map((a) => a.cloudProvider) ?? ['local']
  const offered = [...new Set([...known, 'local', 'kubernetes'])]
  const [name, setName] = useState('')
  const [email, setEmail] = useState('')
  const [description, setDescription] = useState('')
  const [providers, setProviders] = useState<string[]>()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError>()
  const chosen = providers ?? known.slice(0, 1)
  const wrong = nameProblem(name, chosen, (n) => existing.some((a) => a.saved && a.name === n))

  const create = async (e: FormEvent) => {
    e.preventDefault()
    if (busy || wrong || !name || !email) return
    setBusy(true)
    setError(undefined)
    try {
      const attributes = { name, email, description: description || undefined, cloudProviders: chosen.join(',') || undefined }
      await operate({ application: name, description: `Create Application: ${name}`, job: [{ type: 'createApplication', application: attributes }] })
      await navigate({ to: '/applications/$app', params: { app: name.toLowerCase() } })
    } catch (e) {
      setError(asError(e))
      setBusy(false)
    }
  }
  const ofField = (field: string) => error?.problems.find((p) => p.path.endsWith(`.${field}`))?.message
  const elsewhere = error && !ofField('name') && !ofField('email')
  return (
    <Dialog
      open
      onClose={onClose}
      title="New application"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" form="create-application" busy={busy} disabled={!name || !email || !!wrong}>
            Create application
          </Button>
        </>
      }
    >
      <form id="create-application" className={css.form} onSubmit={(e) => void create(e)} noValidate>
        <Field label="Name" required error={wrong ?? ofField('name')} hint={dashNote(name, chosen) ?? 'What is deployed carries it: a word, as shop or billing.'}>
          {(p) => <Input {...p} autoFocus value={name} onChange={(e) => setName(e.target.value)} spellCheck={false} autoCapitalize="off" />}
        </Field>
        <Field label="Email" required error={ofField('email')} hint="Of those who own it.">
          {(p) => <Input {...p} type="email" value={email} onChange={(e) => setEmail(e.target.value)} />}
        </Field>
        <Field label="Description">{(p) => <Input {...p} value={description} onChange={(e) => setDescription(e.target.value)} />}</Field>
        <fieldset className={css.providers}>
          <legend>Runs on</legend>
          {offered.map((p) => (
            <Checkbox key={p} label={providerNames[p] ?? p} checked={chosen.includes(p)} onChange={(e) => setProviders(e.target.checked ? [...chosen, p] : chosen.filter((x) => x !== p))} />
          ))}
        </fieldset>
        {elsewhere && <ErrorBox error={error} />}
      </form>
    </Dialog>
  )
}
