import { useState } from 'react'
import { Dialog } from '~/kit/dialog'
import { Input } from '~/kit/field'
import { search, type Catalog, type StageType } from './catalog'
import css from './editor.module.css'

/** AddStage finds a stage type by words; Enter takes the first. */
export function AddStage({ catalog, behind, onClose, onAdd }: { catalog: Catalog; behind?: string; onClose: () => void; onAdd: (type: StageType) => void }) {
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const list = search(catalog.types, query)
  const current = Math.min(at, list.length - 1)
  const take = (t: StageType | undefined) => {
    if (!t) return
    onAdd(t)
    onClose()
  }
  return (
    <Dialog open onClose={onClose} title={behind ? `Add a stage behind ${behind}` : 'Add a stage'}>
      <Input
        autoFocus
        role="combobox"
        aria-expanded
        aria-controls="stage-types"
        aria-activedescendant={list[current] && `type-${list[current].type}`}
        aria-label="Find a stage type"
        placeholder="Find a stage type"
        value={query}
        onChange={(e) => {
          setQuery(e.target.value)
          setAt(0)
        }}
        onKeyDown={(e) => {
          if (e.key === 'ArrowDown') setAt(Math.min(list.length - 1, current + 1))
          else if (e.key === 'ArrowUp') setAt(Math.max(0, current - 1))
          else if (e.key === 'Enter') take(list[current])
          else return
          e.preventDefault()
        }}
      />
      <ul id="stage-types" role="listbox" aria-label="Stage types" className={css.types}>
        {list.map((t, i) => (
          <li
            key={t.type}
            id={`type-${t.type}`}
            role="option"
            aria-selected={i === current}
            ref={(e) => {
              if (e && i === current && at > 0) e.scrollIntoView({ block: 'nearest' })
            }}
            onClick={() => take(t)}
          >
            <strong>{t.label}</strong> <span className="muted">{t.description}</span>
          </li>
        ))}
        {list.length === 0 && <li className="muted">No stage type has these words.</li>}
      </ul>
    </Dialog>
  )
}
