// The text of a document, beside its form. It is loaded when it is shown: the
// editor, and what reads YAML, are heavy.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { json } from '@codemirror/lang-json'
import { yaml } from '@codemirror/lang-yaml'
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language'
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from '@codemirror/lint'
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search'
import { EditorState } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useEffect, useRef } from 'react'
import type { Catalog } from './catalog'
import { complete } from './complete'
import { same, type Doc } from './document'
import type { Path } from './path'
import type { Finding } from './problems'
import { parse, Places, print, type Format } from './text'

export type Broken = { text: string; format: Format; error: string; line: number; column: number }

type Props = {
  doc: Doc
  format: Format
  /** A text to begin with that could not be read when it was left. */
  broken?: string
  catalog: Catalog
  findings: Finding[]
  /** Whether who asked for it wants to write at once. */
  focus?: boolean
  /** What to show: the value at a path; a new one each time that it is to be shown. */
  show?: Path
  onChange: (doc: Doc) => void
  onBroken: (broken: Broken | undefined) => void
  /** Called when the cursor comes into another value. */
  onVisit: (path: Path) => void
}

const theme = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'var(--code)', color: 'var(--text)', fontSize: '12.5px' },
  '&.cm-focused': { outline: '2px solid var(--focus)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.5' },
  '.cm-gutters': { backgroundColor: 'var(--code)', color: 'var(--muted)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--hover)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-content': { caretColor: 'var(--text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--accent-soft)' },
  '.cm-selectionMatch, .cm-searchMatch': { backgroundColor: 'var(--wait-soft)' },
  '.cm-matchingBracket': { backgroundColor: 'var(--accent-soft)', outline: '1px solid var(--line-strong)' },
  '.cm-tooltip, .cm-panels': { backgroundColor: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--line)' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on-accent)' },
  '.cm-completionDetail': { color: 'var(--muted)' },
  'li[aria-selected] .cm-completionDetail': { color: 'inherit' },
  '.cm-button, .cm-textfield': { backgroundImage: 'none', backgroundColor: 'var(--surface)', color: 'var(--text)', border: '1px solid var(--line-strong)' },
  '.cm-foldPlaceholder': { backgroundColor: 'var(--sunken)', border: 'none', color: 'var(--muted)' },
  '.cm-lintRange-error': { backgroundImage: 'none', borderBottom: '2px solid var(--bad)' },
  '.cm-lintRange-warning': { backgroundImage: 'none', borderBottom: '2px dashed var(--wait)' },
  '.cm-lintRange-info': { backgroundImage: 'none', borderBottom: '1px dotted var(--idle)' },
})

const colours = syntaxHighlighting(
  HighlightStyle.define([
    { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
    { tag: [tags.string, tags.content], color: 'var(--ok)' },
    { tag: [tags.number, tags.bool, tags.null], color: 'var(--wait)' },
    { tag: tags.comment, color: 'var(--muted)', fontStyle: 'italic' },
    { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: 'var(--muted)' },
  ]),
)

/** delta is the least change from one text to another. */
function delta(a: string, b: string) {
  let from = 0
  while (from < a.length && from < b.length && a[from] === b[from]) from++
  let tail = 0
  while (tail < a.length - from && tail < b.length - from && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++
  return { from, to: a.length - tail, insert: b.slice(from, b.length - tail) }
}

/** How long one goes on typing until the text is read, in milliseconds. */
const pause = 150

export default function TextPane({ doc, format, broken, catalog, findings, show, focus, onChange, onBroken, onVisit }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const now = useRef({ doc, catalog, focus, onChange, onBroken, onVisit, places: new Places('') })
  // What the text says; a document that says the same does not change it.
  const says = useRef<Doc>(doc)
  // Marks move with the text by themselves; they are set when there are others.
  const marked = useRef(false)
  now.current = { ...now.current, doc, catalog, focus, onChange, onBroken, onVisit }

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let outside = false
    const places = (text: string) => {
      if (now.current.places.text !== text) now.current.places = new Places(text)
      return now.current.places
    }
    const read = (state: EditorState) => {
      const text = state.doc.toString()
      const got = parse(text, format)
      if ('doc' in got) {
        says.current = got.doc
        now.current.onBroken(undefined)
        if (!same(got.doc, now.current.doc)) now.current.onChange(got.doc)
        return
      }
      const line = state.doc.lineAt(Math.min(got.offset, state.doc.length))
      now.current.onBroken({ text, format, error: got.error, line: line.number, column: got.offset - line.from + 1 })
    }
    const made: EditorView = new EditorView({
      parent: box.current!,
      state: EditorState.create({
        doc: broken ?? print(now.current.doc, format),
        extensions: [
          lineNumbers(),
          foldGutter(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          closeBrackets(),
          highlightActiveLine(),
          highlightSelectionMatches(),
          lintGutter(),
          format === 'json' ? json() : yaml(),
          autocompletion({ override: [complete(format, () => ({ ...now.current, places: places(made.state.doc.toString()) }))] }),
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap]),
          theme,
          colours,
          EditorView.contentAttributes.of({ 'aria-label': `Pipeline as ${format.toUpperCase()}`, tabindex: '0' }),
          EditorView.updateListener.of((u) => {
            if (u.docChanged) {
              outside = u.transactions.some((t) => t.isUserEvent('outside'))
              clearTimeout(timer)
              if (!outside) timer = setTimeout(() => read(u.state), pause)
            } else if (u.selectionSet && u.transactions.some((t) => t.isUserEvent('select'))) {
              now.current.onVisit(places(u.state.doc.toString()).at(u.state.selection.main.head))
            }
          }),
        ],
      }),
    })
    view.current = made
    if (now.current.focus) made.focus()
    if (broken !== undefined) read(made.state)
    return () => {
      // What was typed last is not lost.
      if (timer !== undefined && !outside) {
        clearTimeout(timer)
        read(made.state)
      }
      made.destroy()
      view.current = null
    }
    // A text that was broken is where one begins, not what one is held to.
  }, [format])

  useEffect(() => {
    const v = view.current
    if (!v || same(doc, says.current)) return
    says.current = doc
    v.dispatch({ changes: delta(v.state.doc.toString(), print(doc, format)), userEvent: 'outside' })
    now.current.onBroken(undefined)
  }, [doc, format])

  useEffect(() => {
    const v = view.current
    if (!v || (findings.length === 0 && !marked.current)) return
    marked.current = findings.length > 0
    const text = v.state.doc.toString()
    if (now.current.places.text !== text) now.current.places = new Places(text)
    const marks = findings.flatMap((f): Diagnostic[] => {
      const r = now.current.places.within(f.path, f.offset ?? 0)
      return r ? [{ from: r.from, to: Math.max(r.to, Math.min(r.from + 1, text.length)), severity: f.severity, message: f.hint ? `${f.message}\n${f.hint}` : f.message, source: f.rule }] : []
    })
    v.dispatch(setDiagnostics(v.state, marks))
  }, [findings, format])

  useEffect(() => {
    const v = view.current
    if (!v || !show || v.hasFocus) return
    const text = v.state.doc.toString()
    if (now.current.places.text !== text) now.current.places = new Places(text)
    const r = now.current.places.whole(show) ?? now.current.places.of(show)
    if (r) v.dispatch({ selection: { anchor: r.from }, effects: EditorView.scrollIntoView(r.from, { y: 'start', yMargin: 40 }), userEvent: 'outside' })
  }, [show, format])

  return <div ref={box} style={{ height: '100%', minHeight: 0 }} />
}
