// The editor of one pipeline: graph, form and text of one document, side by side.
import { useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useMemo, useState, type ReactNode } from 'react'
import { Button } from '~/kit/button'
import { Diff } from '~/kit/code'
import { useKeys } from '~/kit/keys'
import { Page, useTitle } from '~/kit/page'
import { personOf } from '~/kit/person'
import { ErrorBox, Note, Skeleton } from '~/kit/state'
import { Tabs } from '~/kit/tabs'
import { Ago } from '~/kit/time'
import { useSay } from '~/kit/toast'
import { AddStage } from './AddStage'
import type { Catalog } from './catalog'
import { ConflictDialog } from './ConflictDialog'
import { addStage, get, indexOf, stagesOf, type Doc } from './document'
import type { Draft } from './draft'
import { EditingContext } from './editing'
import { EditorMenu } from './EditorMenu'
import css from './editor.module.css'
import { ExpressionPanel } from './ExpressionPanel'
import { PipelineForm } from './forms/PipelineForm'
import { StageForm } from './forms/StageForm'
import { GraphPane } from './GraphPane'
import type { Path } from './path'
import { PlanDialog } from './PlanDialog'
import { count, worst } from './problems'
import { ProblemsPanel } from './ProblemsPanel'
import { isStale } from './save'
import type { EditorSearch, Panel, Part } from './search'
import { TextPreview } from './TextPreview'
import { useDocument } from './useDocument'
import { useLint } from './useLint'
import { useWide } from './useWide'

const TextPane = lazy(() => import('./TextPane'))

type Props = { app: string; id: string; search: EditorSearch; onSearch: (change: Partial<EditorSearch>) => void; catalog: Catalog; initial: Doc; stored?: Doc; draft?: Draft; draftKey: string }

const nameOf = (doc: Doc, refId: string) => {
  const s = stagesOf(doc).find((x) => x.refId === refId)?.stage
  return String(s?.name ?? s?.type ?? refId)
}

export function Editor({ app, id, search, onSearch, catalog, initial, stored, draft, draftKey }: Props) {
  const navigate = useNavigate()
  const say = useSay()
  const wide = useWide()
  const d = useDocument({ app, key: draftKey, initial, ...(stored && { stored }), ...(draft && { draft }) })
  const { doc, edit, dirty } = d
  const lint = useLint(doc)
  const findings = useMemo(() => [...d.refused, ...lint.findings], [d.refused, lint.findings])
  const [adding, setAdding] = useState(false)
  const [planning, setPlanning] = useState(false)
  const [conflict, setConflict] = useState<Doc>()

  const name = String(doc.name || 'New pipeline')
  useTitle(`${dirty ? '• ' : ''}${name} · ${app}`)
  const index = search.stage === undefined ? -1 : indexOf(doc, search.stage)
  const stage = index >= 0 ? search.stage : undefined
  const [show, setShow] = useState<Path | undefined>(() => (index >= 0 ? ['stages', index] : undefined))
  const [begun] = useState(show)
  const [writing, setWriting] = useState(draft?.text !== undefined)
  // Most pipelines are one stage behind the other.
  const behind = stage ?? stagesOf(doc).at(-1)?.refId
  const select = (refId: string | undefined) => {
    onSearch({ stage: refId, ...(search.part === 'graph' && { part: 'form' }) })
    setShow(refId === undefined ? [] : ['stages', indexOf(doc, refId)])
  }
  const visit = (path: Path) => {
    const at = path[0] === 'stages' && typeof path[1] === 'number' ? get(doc, ['stages', path[1], 'refId']) : undefined
    onSearch({ stage: at === undefined || at === null ? undefined : String(at) })
  }
  const failed = async (e: unknown) => {
    if (!isStale(e) || stored === undefined) return say.failed(e)
    const theirs = await d.theirs()
    // A name that is taken is a conflict too, but nobody saved this one.
    if (String(theirs.updateTs) === d.base.updateTs) say.failed(e)
    else setConflict(theirs)
  }
  const done = ({ stored: saved, warnings }: { stored: Doc; warnings: number }) => {
    setConflict(undefined)
    say.done(`${String(saved.name)} is saved${warnings > 0 ? `, with ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}` : ''}.`)
    if (saved.id !== id) void navigate({ to: '/applications/$app/pipelines/$pipeline', params: { app, pipeline: String(saved.id) }, search: { ...search, copy: undefined }, replace: true })
  }
  const save = () => {
    if (!dirty || d.broken || d.busy) return
    d.save().then(done, (e: unknown) => void failed(e).catch?.(say.failed))
  }
  const compare = () => d.theirs().then(setConflict, say.failed)
  const toggle = (panel: Panel) => onSearch({ panel: search.panel === panel ? undefined : panel })

  useKeys('Editor', {
    'mod+s': { does: 'Save', always: true, run: save },
    'mod+z': { does: 'Undo', always: true, run: d.undo },
    'mod+shift+z': { does: 'Redo', always: true, run: d.redo },
    a: { does: 'Add a stage', run: () => setAdding(true) },
    p: { does: 'Plan a run', run: () => setPlanning(true) },
    e: { does: 'Help with expressions', run: () => toggle('expressions') },
    '!': { does: 'List the problems', run: () => toggle('problems') },
    s: { does: 'Settings of the pipeline', run: () => select(undefined) },
  })

  const graph = <GraphPane selected={stage} onSelect={select} onAdd={() => setAdding(true)} />
  const form = (
    <div className={css.form} role="region" aria-label="Form" tabIndex={0}>
      {d.broken && <Note tone="wait">The text cannot be read at the moment. The form shows what it said before; a change of the form replaces the text.</Note>}
      {stage === undefined ? <PipelineForm /> : <StageForm key={stage} refId={stage} onSelect={select} />}
    </div>
  )
  const format = search.format ?? 'json'
  const text = (
    <div className={css.text}>
      <div className={css.tools} role="group" aria-label="Format">
        {(['json', 'yaml'] as const).map((f) => (
          <Button key={f} small kind={f === format ? 'plain' : 'quiet'} aria-pressed={f === format} disabled={d.broken !== undefined && f !== format} onClick={() => onSearch({ format: f === 'yaml' ? f : undefined })}>
            {f.toUpperCase()}
          </Button>
        ))}
        {d.broken && (
          <span className={css.wrong} role="status">
            Line {d.broken.line}, column {d.broken.column}: {d.broken.error}
          </span>
        )}
      </div>
      <div className={css.code}>
        {writing || show !== begun || format === 'yaml' ? (
          <Suspense fallback={<Skeleton rows={12} height={24} />}>
            <TextPane
              doc={doc}
              format={format}
              broken={draft?.text?.format === format && d.restored ? draft.text.text : undefined}
              catalog={catalog}
              findings={findings}
              show={show}
              focus={writing && draft?.text === undefined}
              onChange={(next) => edit(() => next, 'text')}
              onBroken={d.setBroken}
              onVisit={visit}
            />
          </Suspense>
        ) : (
          <TextPreview doc={doc} onWrite={() => setWriting(true)} />
        )}
      </div>
    </div>
  )
  const panels: Record<Panel, ReactNode> = {
    problems: <ProblemsPanel onVisit={(path) => (visit(path), setShow([...path]))} />,
    expressions: <ExpressionPanel stage={stage} pipeline={stored && id} />,
    changes: <Diff before={JSON.stringify(d.base.doc, null, 2)} after={JSON.stringify(doc, null, 2)} label="Changes" />,
  }

  const by = personOf(stored?.lastModifiedBy)
  return (
    <EditingContext value={{ app, doc, catalog, findings, edit }}>
      <Page
        fill={wide}
        title={name}
        sub={
          <span role="status">
            {!stored ? 'Not saved yet' : dirty ? 'Changed, not saved; a draft is kept in this browser' : <>Saved {by && `by ${by} `}<Ago at={Number(stored.updateTs) || undefined} /></>}
            {doc.disabled === true && ' · disabled'}
          </span>
        }
        actions={
          <>
            <Button disabled={!d.canUndo} onClick={d.undo}>
              Undo
            </Button>
            <Button disabled={!d.canRedo} onClick={d.redo}>
              Redo
            </Button>
            <Button disabled={d.broken !== undefined} onClick={() => setPlanning(true)}>
              Plan
            </Button>
            <Button kind="primary" busy={d.busy} disabled={!dirty || d.broken !== undefined} onClick={save}>
              Save
            </Button>
            <EditorMenu app={app} id={id} stored={stored} dirty={dirty} onDiscard={() => d.discard()} />
          </>
        }
      >
        {d.restored && (
          <Note tone="wait" action={<Button small onClick={() => d.discard()}>Discard</Button>}>
            What you changed <Ago at={d.restored.at} /> and did not save is here again.
          </Note>
        )}
        {d.overtaken && (
          <Note tone="wait" action={<Button small onClick={() => void compare()}>Compare</Button>}>
            {String(stored?.lastModifiedBy ?? 'Somebody else')} saved this pipeline while you changed it.
          </Note>
        )}
        {d.refusal !== undefined && <ErrorBox error={d.refusal} />}
        {wide ? (
          <div className={css.wide} data-tight={search.panel !== undefined || undefined}>
            <div className={css.top}>{graph}</div>
            <div className={css.halves}>
              {form}
              {text}
            </div>
          </div>
        ) : (
          <div className={css.narrow}>
            <Tabs<Part>
              label="Parts"
              current={search.part ?? 'form'}
              onChange={(part) => onSearch({ part: part === 'form' ? undefined : part })}
              tabs={[
                { key: 'form', label: 'Form', content: () => form },
                { key: 'graph', label: 'Graph', content: () => <div className={css.tall}>{graph}</div> },
                { key: 'text', label: 'Text', content: () => <div className={css.tall}>{text}</div> },
              ]}
            />
          </div>
        )}
        <div className={css.bottom}>
          <div className={css.tools} role="group" aria-label="Panels">
            <Button small kind="quiet" aria-expanded={search.panel === 'problems'} data-tone={worst(findings) === 'error' ? 'bad' : undefined} className={css.count} onClick={() => toggle('problems')}>
              {count(findings)}
            </Button>
            <Button small kind="quiet" aria-expanded={search.panel === 'expressions'} onClick={() => toggle('expressions')}>
              Expressions
            </Button>
            <Button small kind="quiet" aria-expanded={search.panel === 'changes'} disabled={!dirty} onClick={() => toggle('changes')}>
              Changes
            </Button>
          </div>
          {search.panel && (
            <div className={css.panel} role="region" aria-label="Panel" tabIndex={0}>
              {panels[search.panel]}
            </div>
          )}
        </div>
      </Page>
      {adding && (
        <AddStage
          catalog={catalog}
          behind={behind && nameOf(doc, behind)}
          onClose={() => setAdding(false)}
          onAdd={(t) => {
            const made = addStage(doc, { type: t.type, name: t.label }, behind)
            edit(() => made.doc)
            setShow(['stages', indexOf(made.doc, made.refId)])
            onSearch({ stage: made.refId, part: undefined })
          }}
        />
      )}
      {planning && <PlanDialog doc={doc} onClose={() => setPlanning(false)} />}
      {conflict && (
        <ConflictDialog
          theirs={conflict}
          mine={doc}
          onClose={() => setConflict(undefined)}
          onTake={() => {
            d.discard(conflict)
            setConflict(undefined)
          }}
          onKeep={() => d.replace(conflict).then(done, (e: unknown) => void failed(e))}
          onMerge={() => {
            d.merge(conflict)
            setConflict(undefined)
            onSearch({ panel: 'changes', ...(!wide && { part: 'text' }) })
          }}
        />
      )}
    </EditingContext>
  )
}
