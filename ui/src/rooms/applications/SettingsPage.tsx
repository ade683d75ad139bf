import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { keys } from '~/api/live'
import { personOf, useOperate } from '~/api/operate'
import { application } from '~/api/queries'
import { Button } from '~/kit/button'
import { Field, TextArea } from '~/kit/field'
import { Page, useTitle } from '~/kit/page'
import { ErrorBox, Loaded, Note } from '~/kit/state'
import { Tabs } from '~/kit/tabs'
import { useSay } from '~/kit/toast'
import { AttributeForm } from './AttributeForm'
import { changes, inOrder, merged, parse, type Attributes } from './attributes'
import { DeleteDialog } from './DeleteDialog'
import { History } from './History'
import type { SettingsSearch } from './search'
import css from './settings.module.css'

const route = getRouteApi('/applications/$app/settings')

export default function SettingsPage() {
  const { app } = route.useParams()
  const [deleting, setDeleting] = useState(false)
  // What is being deleted is not asked for when its end is told.
  const query = useQuery({ ...application(app), enabled: !deleting })
  useTitle(`Settings of ${app}`)
  return (
    <Page
      title="Settings"
      sub={app}
      actions={
        query.data && (
          <Button kind="danger" onClick={() => setDeleting(true)}>
            Delete application…
          </Button>
        )
      }
    >
      <Loaded query={query}>{(a) => <Settings app={app} attributes={a.attributes} />}</Loaded>
      {deleting && <DeleteDialog app={app} onClose={() => setDeleting(false)} />}
    </Page>
  )
}

/** Draft is what was changed, and of what; text is the JSON while it is typed. */
type Draft = { base: Attributes; attributes: Attributes; text?: string }

function Settings({ app, attributes }: { app: string; attributes: Attributes }) {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/applications/$app/settings' })
  const change = (to: SettingsSearch) => void navigate({ search: (s) => ({ ...s, ...to }), replace: true })
  const [draft, setDraft] = useState<Draft>()
  const saving = useSave(app, attributes)

  const shown = draft?.attributes ?? attributes
  const changed = draft ? changes(draft.base, draft.attributes) : {}
  const names = Object.keys(changed)
  const typed = draft?.text !== undefined ? parse(draft.text) : undefined
  const wrong = typed && 'wrong' in typed ? typed.wrong : undefined
  const edit = (to: Attributes, text?: string) => setDraft((d) => ({ base: d?.base ?? attributes, attributes: to, text }))
  const type = (text: string) => {
    const read = parse(text)
    edit('attributes' in read ? { ...kept(attributes), ...read.attributes } : shown, text)
  }
  const save = async () => {
    if (await saving.save(changed, names)) setDraft(undefined)
  }
  return (
    <>
      {draft && draft.base.updateTs !== attributes.updateTs && names.length > 0 && (
        <Note tone="wait" action={<Button small onClick={() => setDraft(undefined)}>Take theirs</Button>}>
          {personOf(attributes.lastModifiedBy)} saved it meanwhile. Only what you changed is saved: {names.join(', ')}.
        </Note>
      )}
      <Tabs
        label="Settings"
        current={search.part ?? 'form'}
        onChange={(part) => change({ part: part === 'form' ? undefined : part, save: undefined })}
        tabs={[
          { key: 'form', label: 'Attributes', content: () => <AttributeForm attributes={shown} onChange={edit} /> },
          {
            key: 'json',
            label: 'JSON',
            content: () => (
              <div className={css.form}>
                <Field label="Attributes" error={wrong} hint="All of them, also those that the form does not show; the server keeps what it does not know.">
                  {(p) => <TextArea {...p} className={css.json} spellCheck={false} value={draft?.text ?? inOrder(shown)} onChange={(e) => type(e.target.value)} />}
                </Field>
              </div>
            ),
          },
          { key: 'history', label: 'History', content: () => <History app={app} current={attributes} chosen={search.save} onChoose={(ts) => change({ save: ts })} onRestore={saving.save} busy={saving.busy} /> },
        ]}
      />
      {saving.error !== undefined && <ErrorBox error={saving.error} />}
      {(names.length > 0 || wrong) && (
        <div className={css.bar} role="region" aria-label="Unsaved changes">
          <span>{wrong ? 'The JSON cannot be read yet.' : `Changed: ${names.join(', ')}`}</span>
          <Button onClick={() => setDraft(undefined)}>Discard</Button>
          <Button kind="primary" busy={saving.busy} disabled={!!wrong} onClick={() => void save()}>
            Save
          </Button>
        </div>
      )}
    </>
  )
}

/** kept are the attributes that the server writes, which texts do not show. */
const kept = (a: Attributes): Attributes => merged(a, changes(a, {}))

/** useSave writes changes of attributes; it returns whether they were taken. */
function useSave(app: string, attributes: Attributes) {
  const client = useQueryClient()
  const operate = useOperate()
  const say = useSay()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const save = async (changed: Attributes, names: string[]): Promise<boolean> => {
    setBusy(true)
    setError(undefined)
    try {
      const name = attributes.name ?? app
      await operate({ application: app, description: `Update Application: ${app}`, job: [{ type: 'updateApplication', application: { email: attributes.email, ...changed, name } }] })
      await client.invalidateQueries({ queryKey: keys.documents(app) })
      say.done(`Saved ${names.join(', ')}.`)
      return true
    } catch (e) {
      setError(e)
      return false
    } finally {
      setBusy(false)
    }
  }
  return { save, busy, error }
}
