import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api, must } from '~/api/client'
import { IconButton } from '~/kit/button'
import { Confirm } from '~/kit/dialog'
import { Menu } from '~/kit/menu'
import { useSay } from '~/kit/toast'
import { edited, type Doc } from './document'
import { save } from './save'

/** EditorMenu is what can be done with a pipeline beside editing it. */
export function EditorMenu({ app, id, stored, dirty, onDiscard }: { app: string; id: string; stored: Doc | undefined; dirty: boolean; onDiscard: () => void }) {
  const navigate = useNavigate()
  const say = useSay()
  const [deleting, setDeleting] = useState(false)
  const name = String(stored?.name ?? '')
  const off = stored?.disabled === true
  const switchIt = async () => {
    if (!stored) return
    try {
      await save(app, { ...edited(stored), disabled: !off }, String(stored.updateTs))
      say.done(`${name} is ${off ? 'enabled' : 'disabled'}.`)
    } catch (e) {
      say.failed(e)
    }
  }
  const unsaved = { disabled: !stored, why: 'It is not saved yet.' }
  return (
    <>
      <Menu
        label="More"
        trigger={<IconButton label="More">⋯</IconButton>}
        items={[
          { label: 'History', onSelect: () => void navigate({ to: '/applications/$app/pipelines/$pipeline/history', params: { app, pipeline: id } }), ...unsaved },
          { label: 'Executions', onSelect: () => void navigate({ to: '/applications/$app/pipelines', params: { app }, search: { pipeline: id } }), ...unsaved },
          { label: 'Copy', onSelect: () => void navigate({ to: '/applications/$app/pipelines/$pipeline', params: { app, pipeline: 'new' }, search: { copy: id } }), ...unsaved },
          { label: off ? 'Enable' : 'Disable', onSelect: () => void switchIt(), disabled: !stored || dirty, why: stored ? 'Save or discard your changes first.' : unsaved.why },
          { label: 'Discard changes', onSelect: onDiscard, disabled: !dirty, why: 'Nothing is changed.' },
          'line',
          { label: 'Delete…', danger: true, onSelect: () => setDeleting(true), ...unsaved },
        ]}
      />
      <Confirm
        open={deleting}
        onClose={() => setDeleting(false)}
        title={`Delete ${name}?`}
        verb="Delete"
        danger
        typed={name}
        onConfirm={async () => {
          await must(api.DELETE('/pipelines/{app}/{name}', { params: { path: { app, name } } }).then((a) => ({ ...a, data: a.data ?? {} })))
          onDiscard()
          say.done(`${name} is deleted.`)
          await navigate({ to: '/applications/$app/pipelines', params: { app } })
        }}
      >
        <p>Nothing starts it any more. Its executions stay, and its history can be read; it can be made again from that.</p>
      </Confirm>
    </>
  )
}
