import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { Page } from '~/kit/page'
import { Loaded, Skeleton } from '~/kit/state'
import type { Catalog } from './catalog'
import { edited, same, type Doc } from './document'
import { draftKey, loadDraft } from './draft'
import { Editor } from './Editor'
import { catalog, pipeline } from './queries'
import { fresh } from './save'
import type { EditorSearch } from './search'

const route = getRouteApi('/applications/$app/pipelines/$pipeline')

/** What `$pipeline` is of one that is not saved yet. */
const unsaved = 'new'

export default function EditorPage() {
  const { app, pipeline: id } = route.useParams()
  const { copy } = route.useSearch()
  const types = useQuery(catalog())
  const source = id === unsaved ? copy : id
  const stored = useQuery({ ...pipeline(app, source ?? ''), enabled: source !== undefined })
  const skeleton = (
    <Page title={<span className="muted">Pipeline</span>}>
      <Skeleton rows={10} />
    </Page>
  )
  return (
    <Loaded query={types} skeleton={skeleton}>
      {(t) =>
        source === undefined ? (
          <Start key={unsaved} app={app} id={id} catalog={t} />
        ) : (
          <Loaded query={stored} skeleton={skeleton}>
            {(s) => <Start key={`${id} ${copy ?? ''}`} app={app} id={id} catalog={t} stored={s} />}
          </Loaded>
        )
      }
    </Loaded>
  )
}

/** Start finds what one begins with: the draft, if there is one that differs from what is stored. */
function Start({ app, id, catalog, stored }: { app: string; id: string; catalog: Catalog; stored?: Doc }) {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/applications/$app/pipelines/$pipeline' })
  const key = draftKey(app, id, id === unsaved ? search.copy : undefined)
  const isNew = id === unsaved
  const [initial] = useState(() => (isNew ? fresh(app, stored) : edited(stored ?? {})))
  const [draft] = useState(() => {
    const d = loadDraft(localStorage, key)
    return d && (d.text || !same(d.doc, initial)) ? d : undefined
  })
  const onSearch = useMemo(() => (change: Partial<EditorSearch>) => void navigate({ search: (s) => ({ ...s, ...change }), replace: true }), [navigate])
  return <Editor app={app} id={id} search={search} onSearch={onSearch} catalog={catalog} initial={initial} stored={isNew ? undefined : stored} draft={draft} draftKey={key} />
}
