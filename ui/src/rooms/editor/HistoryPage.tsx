// What a pipeline was: its saves, how two of them differ, and back to one.
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { Schemas } from '~/api/client'
import { Button } from '~/kit/button'
import { Diff } from '~/kit/code'
import { Confirm } from '~/kit/dialog'
import { Page, useTitle } from '~/kit/page'
import { personOf } from '~/kit/person'
import { Empty, Loaded } from '~/kit/state'
import { Ago } from '~/kit/time'
import { useSay } from '~/kit/toast'
import { edited, isObject, type Doc } from './document'
import css from './editor.module.css'
import { pipeline, revisions } from './queries'
import { compared } from './revisions'
import { save } from './save'

const route = getRouteApi('/applications/$app/pipelines/$pipeline/history')

export default function HistoryPage() {
  const { app, pipeline: id } = route.useParams()
  const stored = useQuery(pipeline(app, id))
  const all = useInfiniteQuery(revisions(app, id))
  const list = all.data?.pages.flat() ?? []
  const last = list.find((r) => isObject(r.document))?.document as Doc | undefined
  const name = String((stored.data ?? last)?.name ?? 'Pipeline')
  useTitle(`History of ${name} · ${app}`)
  return (
    <Page
      title={`History of ${name}`}
      sub={stored.isError ? 'It is deleted; a restore makes it again.' : undefined}
      actions={
        stored.data && (
          <Link className={css.link} to="/applications/$app/pipelines/$pipeline" params={{ app, pipeline: id }}>
            Edit the pipeline
          </Link>
        )
      }
    >
      <Loaded query={all}>
        {() =>
          list.length === 0 ? (
            <Empty title="No saves">Nothing is remembered of this pipeline.</Empty>
          ) : (
            <Revisions app={app} list={list} stored={stored.data} more={all.hasNextPage ? () => void all.fetchNextPage() : undefined} />
          )
        }
      </Loaded>
    </Page>
  )
}

function Revisions({ app, list, stored, more }: { app: string; list: Schemas['Revision'][]; stored?: Doc; more?: () => void }) {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/applications/$app/pipelines/$pipeline/history' })
  const say = useSay()
  const [restoring, setRestoring] = useState<Schemas['Revision']>()
  const pair = compared(list.map((r) => r.number), search)
  const find = (n: number | undefined) => list.find((r) => r.number === n)
  const text = (r: Schemas['Revision'] | undefined) => (r && isObject(r.document) ? JSON.stringify(edited(r.document as Doc), null, 2) : '')
  const choose = (which: 'a' | 'b', n: number) => void navigate({ search: { ...pair, [which]: n }, replace: true })
  const restore = async (r: Schemas['Revision']) => {
    const doc = edited(r.document as Doc)
    const saved = await save(app, stored ? { ...doc, id: stored.id! } : doc, stored && String(stored.updateTs))
    say.done(`${String(saved.stored.name)} is as it was in revision ${r.number}.`)
    await navigate({ search: {} })
  }
  return (
    <div className={css.revisions}>
      <section aria-labelledby="saves">
        <h2 id="saves">Saves</h2>
        <div role="radiogroup" aria-label="Revisions to compare">
          {list.map((r, i) => (
            <div key={r.number} className={css.revision}>
              <input type="radio" name="a" aria-label={`Compare revision ${r.number}`} checked={pair.a === r.number} onChange={() => choose('a', r.number)} />
              <input type="radio" name="b" aria-label={`With revision ${r.number}`} checked={pair.b === r.number} onChange={() => choose('b', r.number)} />
              <div className={css.tools}>
                <strong>{r.number}</strong>
                <span>{personOf(r.author) ?? 'anonymous'}</span>
                <span className="muted">
                  {r.deleted && 'deleted it '}
                  <Ago at={r.at} />
                </span>
                {(i > 0 || r.deleted) && (
                  <Button small kind="quiet" aria-label={`Restore revision ${r.number}`} onClick={() => setRestoring(r)}>
                    Restore
                  </Button>
                )}
              </div>
            </div>
          ))}
        </div>
        {more && (
          <Button small onClick={more}>
            Older ones
          </Button>
        )}
      </section>
      <section className={css.compared} aria-labelledby="compared">
        <h2 id="compared">{pair.a === undefined || pair.b === undefined ? 'The only save' : `From ${pair.a} to ${pair.b}`}</h2>
        {pair.a === undefined ? <p className="muted">There is nothing to compare it with yet.</p> : <Diff before={text(find(pair.a))} after={text(find(pair.b))} label={`From revision ${pair.a} to ${pair.b}`} />}
      </section>
      <Confirm open={restoring !== undefined} onClose={() => setRestoring(undefined)} title={`Restore revision ${restoring?.number}?`} verb="Restore" onConfirm={() => (restoring ? restore(restoring) : Promise.resolve())}>
        <p>It is saved as a new revision. Nothing is lost: what is there now stays in the history.</p>
      </Confirm>
    </div>
  )
}
