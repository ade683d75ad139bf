// The document that is edited: its past, what it is based on, its draft, and how it
// is saved.
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'
import { asError } from '~/api/client'
import { edited, same, type Doc } from './document'
import type { Draft } from './draft'
import { begin, change, redo, undo } from './past'
import { refused, type Finding } from './problems'
import { pipeline } from './queries'
import { baseOf, isStale, load, save, type Base, type Saved } from './save'
import type { Broken } from './TextPane'
import { useDraft } from './useDraft'

type Start = { app: string; key: string; initial: Doc; stored?: Doc; draft?: Draft }

const none: Finding[] = []

export function useDocument({ app, key, initial, stored, draft }: Start) {
  const client = useQueryClient()
  const [base, setBase] = useState<Base>(() => (stored ? { ...baseOf(stored), ...(draft?.base !== undefined && { updateTs: draft.base }) } : { doc: initial }))
  const [past, setPast] = useState(() => {
    const p = begin(initial)
    return draft ? change(p, draft.doc, '', 0) : p
  })
  const [broken, setBroken] = useState<Broken>()
  const [restored, setRestored] = useState(draft)
  const [refusal, setRefusal] = useState<{ doc: Doc; findings: Finding[]; error: unknown }>()
  const [busy, setBusy] = useState(false)

  const { doc } = past
  const dirty = broken !== undefined || !same(doc, base.doc)
  const text = useMemo(() => broken && { text: broken.text, format: broken.format }, [broken])
  useDraft(key, useMemo(() => (dirty ? { doc, text, base: base.updateTs } : undefined), [dirty, doc, text, base.updateTs]))

  // What others save while nothing is changed here is simply shown.
  const newest = stored?.updateTs === undefined ? undefined : String(stored.updateTs)
  const seen = useRef(newest)
  useEffect(() => {
    if (!stored || newest === seen.current) return
    seen.current = newest
    if (newest === base.updateTs || dirty) return
    setBase(baseOf(stored))
    setPast(begin(edited(stored)))
  }, [stored, newest, base.updateTs, dirty])

  const edit = useRef((f: (doc: Doc) => Doc, of = '') => setPast((p) => change(p, f(p.doc), of, Date.now()))).current

  const store = async (updateTs: string | undefined): Promise<Saved> => {
    setBusy(true)
    setRefusal(undefined)
    try {
      const saved = await save(app, doc, updateTs)
      seen.current = String(saved.stored.updateTs)
      client.setQueryData(pipeline(app, String(saved.stored.id)).queryKey, saved.stored)
      const next = baseOf(saved.stored)
      setBase(next)
      setRestored(undefined)
      // The ID of a new one, and what the server put in order, belongs to what is edited now.
      setPast((p) => (p.doc === doc ? { ...p, doc: next.doc } : p))
      return saved
    } catch (e) {
      if (!isStale(e)) setRefusal({ doc, findings: refused(asError(e).problems), error: e })
      throw e
    } finally {
      setBusy(false)
    }
  }

  return {
    doc,
    base,
    broken,
    dirty,
    busy,
    restored: dirty ? restored : undefined,
    /** Whether somebody else saved what is being changed here. */
    overtaken: dirty && newest !== undefined && newest !== base.updateTs,
    refusal: refusal?.doc === doc ? refusal.error : undefined,
    refused: refusal?.doc === doc ? refusal.findings : none,
    canUndo: past.undo.length > 0,
    canRedo: past.redo.length > 0,
    edit,
    setBroken,
    undo: () => setPast(undo),
    redo: () => setPast(redo),
    /** Saves; a 409 is thrown if somebody else did. */
    save: () => store(base.updateTs),
    /** Saves in place of theirs. */
    replace: (theirs: Doc) => store(String(theirs.updateTs)),
    /** Goes back to what is stored, or to another stored document. */
    discard: (to?: Doc) => {
      const next = to ? baseOf(to) : stored ? baseOf(stored) : { doc: initial }
      setBase(next)
      setPast(begin(next.doc))
      setBroken(undefined)
      setRestored(undefined)
    },
    /** Goes on as a change of theirs. */
    merge: (theirs: Doc) => setBase(baseOf(theirs)),
    theirs: () => load(app, String(doc.id)),
  }
}
