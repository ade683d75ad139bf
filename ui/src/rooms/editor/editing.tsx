// What the parts of the editor share: the document, how it is changed, and what is
// wrong with it.
import { createContext, useContext } from 'react'
import type { Catalog } from './catalog'
import { get, set, type Doc, type Json } from './document'
import type { Path } from './path'
import { writePath } from './path'
import { at, exactly, type Finding } from './problems'

export type Editing = {
  app: string
  doc: Doc
  catalog: Catalog
  findings: Finding[]
  /** Changes the document. Changes of the same thing in a row are one step of undo. */
  edit: (change: (doc: Doc) => Doc, of?: string) => void
}

export const EditingContext = createContext<Editing | undefined>(undefined)

export function useEditing(): Editing {
  const e = useContext(EditingContext)
  if (!e) throw new Error('useEditing is for parts of the editor')
  return e
}

/** useValue returns what stands at a path, how to change it, and what is wrong with it. */
export function useValue(path: Path) {
  const { doc, edit, findings } = useEditing()
  return {
    value: get(doc, path),
    change: (v: Json | undefined) => edit((d) => set(d, path, v), writePath(path)),
    wrong: exactly(findings, path),
    within: at(findings, path),
  }
}
