import css from './editor.module.css'
import type { Doc } from './document'

/**
 * TextPreview is the text of a document until somebody wants to write in it: the
 * editor of texts is more script than all else of the page.
 */
export function TextPreview({ doc, onWrite }: { doc: Doc; onWrite: () => void }) {
  return (
    <pre role="textbox" aria-multiline aria-readonly aria-label="Pipeline as JSON" tabIndex={0} className={css.preview} onFocus={onWrite} onPointerDown={onWrite}>
      {JSON.stringify(doc, null, 2)}
    </pre>
  )
}
