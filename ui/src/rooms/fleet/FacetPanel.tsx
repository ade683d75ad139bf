// The filters: a column where there is room, and a panel that opens where not.
import { useId, useState } from 'react'
import { Button } from '~/kit/button'
import { Checkbox, Input } from '~/kit/field'
import { useKeys } from '~/kit/keys'
import { wordOf } from '~/kit/status'
import type { Facet } from './facets'
import css from './facets.module.css'
import type { FacetName } from './search'

const titles: Record<FacetName, string> = { account: 'Account', region: 'Region', cluster: 'Cluster', stack: 'Stack', detail: 'Detail', status: 'Status', provider: 'Provider', kind: 'Kind' }

/** How many values of a facet are shown before one asks for more. */
const few = 8

type Props = { facets: Facet[]; q: string; active: number; onText: (q: string) => void; onToggle: (name: FacetName, value: string) => void; onClear: () => void }

export function FacetPanel({ facets, q, active, onText, onToggle, onClear }: Props) {
  const [open, setOpen] = useState(false)
  const id = useId()
  useKeys('Filters', {
    '/': { does: 'Search in this list', run: () => document.getElementById(`${id}-q`)?.focus() },
  })
  return (
    <search className={css.facets} aria-label="Filters">
      <div className={css.top}>
        <Input
          id={`${id}-q`}
          type="search"
          value={q}
          placeholder="Filter"
          aria-label="Filter by text"
          onChange={(e) => onText(e.target.value)}
          onKeyDown={(e) => {
            if (e.key === 'Escape') e.currentTarget.blur()
          }}
        />
        <Button className={css.more} aria-expanded={open} aria-controls={`${id}-all`} onClick={() => setOpen(!open)}>
          Filters{active > 0 ? ` · ${active}` : ''}
        </Button>
      </div>
      <div id={`${id}-all`} className={css.all} data-open={open || undefined}>
        {facets.filter((f) => f.name === 'status' || f.values.length > 1 || f.values.some((v) => v.on)).map((f) => (
          <OneFacet key={f.name} facet={f} onToggle={onToggle} />
        ))}
        {active > 0 && (
          <Button small onClick={onClear}>
            Clear {active === 1 ? 'the filter' : `${active} filters`}
          </Button>
        )}
      </div>
    </search>
  )
}

function OneFacet({ facet, onToggle }: { facet: Facet; onToggle: Props['onToggle'] }) {
  const [all, setAll] = useState(false)
  const shown = all ? facet.values : facet.values.filter((v, i) => i < few || v.on)
  return (
    <fieldset className={css.facet}>
      <legend>{titles[facet.name]}</legend>
      {shown.map((v) => (
        <div key={v.value} className={css.value} data-none={v.count === 0 || undefined}>
          <Checkbox label={facet.name === 'status' ? wordOf(v.value) : v.value} checked={v.on} onChange={() => onToggle(facet.name, v.value)} />
          <span className={css.count}>{v.count}</span>
        </div>
      ))}
      {facet.values.length > few && (
        <Button small kind="quiet" onClick={() => setAll(!all)}>
          {all ? 'Fewer' : `${facet.values.length - few} more`}
        </Button>
      )}
    </fieldset>
  )
}
