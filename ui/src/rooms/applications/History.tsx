import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '~/kit/button'
import { Code, Diff } from '~/kit/code'
import { Confirm } from '~/kit/dialog'
import { Empty, Loaded } from '~/kit/state'
import { Ago } from '~/kit/time'
import { changes, inOrder, savesOf, type Attributes, type Save } from './attributes'
import { history } from './queries'
import css from './settings.module.css'

type Props = {
  app: string
  current: Attributes
  chosen: string | undefined
  onChoose: (ts: string) => void
  onRestore: (changed: Attributes, names: string[]) => Promise<boolean>
  busy: boolean
}

/** History lists the saves of an application, and how each differs from the one before. */
export function History({ app, current, chosen, onChoose, onRestore, busy }: Props) {
  const query = useQuery(history(app))
  return (
    <Loaded query={query}>
      {(list) => {
        const saves = savesOf(list)
        const save = saves.find((s) => s.ts === chosen) ?? saves[0]
        if (!save) return <Empty title="It was never saved">It runs, but has no attributes yet.</Empty>
        return (
          <div className={css.history}>
            <ul className={css.saves} aria-label="Saves, newest first">
              {saves.map((s) => (
                <li key={s.ts}>
                  <button type="button" aria-pressed={s === save} onClick={() => onChoose(s.ts)}>
                    <span>
                      <strong>{s.by}</strong> <Ago at={s.at} />
                    </span>
                    <span className={css.changed}>{s.before ? s.changed.join(', ') || 'nothing' : 'the first save'}</span>
                  </button>
                </li>
              ))}
            </ul>
            <Difference save={save} current={current} onRestore={onRestore} busy={busy} />
          </div>
        )
      }}
    </Loaded>
  )
}

function Difference({ save, current, onRestore, busy }: { save: Save; current: Attributes } & Pick<Props, 'onRestore' | 'busy'>) {
  const [asking, setAsking] = useState(false)
  const back = changes(current, save.attributes)
  const names = Object.keys(back)
  return (
    <div className={css.difference}>
      {save.before ? <Diff before={inOrder(save.before)} after={inOrder(save.attributes)} label="What was changed" /> : <Code text={inOrder(save.attributes)} label="What was saved first" />}
      {names.length > 0 && (
        <div>
          <Button busy={busy} onClick={() => setAsking(true)}>
            Restore this…
          </Button>
        </div>
      )}
      <Confirm open={asking} onClose={() => setAsking(false)} title="Restore these attributes?" verb="Restore" onConfirm={() => onRestore(back, names)}>
        <p>This changes {names.join(', ')} back. It is a new save; nothing of the history is lost.</p>
        <Diff before={inOrder(current)} after={inOrder(save.attributes)} label="What will change" />
      </Confirm>
    </div>
  )
}
