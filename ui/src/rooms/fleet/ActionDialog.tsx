// Asks before something is done to a server group: what would happen, and what
// would be left. Then it is begun, and told how it ended.
import { useQuery } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { Button } from '~/kit/button'
import { Confirm, Dialog } from '~/kit/dialog'
import { Checkbox, Field, Input, Select } from '~/kit/field'
import { Note } from '~/kit/state'
import { StatusIcon } from '~/kit/status'
import { Ago } from '~/kit/time'
import { useBegin } from './begin'
import css from './dialogs.module.css'
import { consequences } from './consequences'
import { bare, short, siblings, versionOf, type Row } from './model'
import { clone, destroy, disable, enable, fits, moved, resize, rollback, strategies, whyNot, type Action, type Capacity, type Clone } from './operations'
import { verdict } from './queries'
import { percent, together } from './rates'
import { useMeasured } from './traffic'

type Props = { action: Action; row: Row; rows: Row[]; onClose: () => void }

export function ActionDialog({ action, row, rows, onClose }: Props) {
  const around = siblings(rows, row)
  const share = useShare(row, around)
  const begin = useBegin()
  const name = bare(row.name)
  const why = whyNot(action, row, around)
  // What cannot be done any more, or an address asks for in vain, says why.
  if (why !== undefined)
    return (
      <Dialog open onClose={onClose} title={`${name} cannot be changed so`} footer={<Button onClick={onClose}>Close</Button>}>
        {why}
      </Dialog>
    )
  switch (action) {
    case 'resize':
      return <Resize row={row} around={around} share={share} onClose={onClose} begin={(to) => begin(resize(row, to), `${name} has ${to.desired} instances.`)} />
    case 'rollback':
      return <Rollback row={row} around={around} onClose={onClose} begin={(to) => begin(rollback(row, to), `${bare(row.cluster)} was rolled back to ${versionOf(to)}.`)} />
    case 'clone':
      return <CloneDialog row={row} onClose={onClose} begin={(c) => begin(clone(row, c), `${name} was cloned.`)} />
    default:
      return <Simple action={action} row={row} around={around} share={share} onClose={onClose} begin={begin} />
  }
}

type SimpleProps = { action: keyof typeof simple; row: Row; around: Row[]; share?: number; onClose: () => void; begin: ReturnType<typeof useBegin> }

/** sentence writes a hint of the server as one. */
const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

/** Simple asks before something that needs no more to be said. What a traffic guard would refuse is not tried. */
function Simple({ action, row, around, share, onClose, begin }: SimpleProps) {
  const { title, verb, done, operation, guarded } = simple[action]
  const query = useQuery({ ...verdict(row.application, row, guarded ?? 'disableServerGroup'), enabled: guarded !== undefined })
  const c = consequences(action, row, { cluster: around, share })
  const refused = query.data?.guarded ? query.data : undefined
  const name = bare(row.name)
  return (
    <Confirm
      open
      onClose={onClose}
      title={`${title} ${name}?`}
      verb={verb}
      danger={c.danger}
      typed={refused ? undefined : c.typed}
      disabled={refused !== undefined || (guarded !== undefined && query.isPending)}
      onConfirm={() => begin(operation(row), `${name} is ${done}.`)}
    >
      <Says says={c.says} danger={c.typed !== undefined} />
      <Left left={c.left} cluster={bare(row.cluster)} region={row.region} />
      {refused && (
        <Note tone="wait">
          <p>It would be refused: {refused.reason}.</p>
          {refused.hint && <p>{sentence(refused.hint)}</p>}
        </Note>
      )}
    </Confirm>
  )
}

const simple = {
  enable: { title: 'Enable', verb: 'Enable', done: 'enabled', operation: enable, guarded: undefined },
  disable: { title: 'Disable', verb: 'Disable', done: 'disabled', operation: disable, guarded: 'disableServerGroup' },
  destroy: { title: 'Destroy', verb: 'Destroy', done: 'destroyed', operation: destroy, guarded: 'destroyServerGroup' },
} as const

/** useShare returns the measured share of requests that a server group gets of its cluster. */
function useShare(row: Row, around: Row[]): number | undefined {
  const measured = useMeasured()
  const all = around.reduce((n, g) => n + (together(g, measured)?.requests ?? 0), 0)
  const mine = together(row, measured)
  return mine && all > 0 ? mine.requests / all : undefined
}

function Says({ says, danger }: { says: string[]; danger?: boolean }) {
  const text: ReactNode = says.map((s) => <p key={s}>{s}</p>)
  return danger ? <Note tone="bad">{text}</Note> : <div className={css.says}>{text}</div>
}

function Left({ left, cluster, region }: { left: { serverGroups: number; instances: number; of: number }; cluster: string; region: string }) {
  return (
    <p className="muted">
      In service afterwards in {cluster}, {region}: {left.instances} {left.instances === 1 ? 'instance' : 'instances'} in {left.serverGroups} {left.serverGroups === 1 ? 'version' : 'versions'}
      {left.of > 0 && left.instances < left.of && ` (${percent(left.instances / left.of)} of now)`}.
    </p>
  )
}

function CapacityFields({ value, onChange, wrong, first }: { value: Capacity; onChange: (c: Capacity) => void; wrong?: string; /** it has the focus to begin with */ first?: boolean }) {
  const [bounds, setBounds] = useState(value.min !== value.max)
  const number = (text: string) => (text.trim() === '' ? NaN : Number(text))
  const shown = (n: number) => (Number.isNaN(n) ? '' : n)
  return (
    <>
      <Field label="Instances" error={wrong} required>
        {(props) => <Input {...props} type="number" min={0} max={10_000} autoFocus={first} value={shown(value.desired)} onChange={(e) => onChange(bounds ? { ...value, desired: number(e.target.value) } : moved(value, number(e.target.value)))} />}
      </Field>
      <Checkbox label="Let it vary between a least and a most" checked={bounds} onChange={(e) => (setBounds(e.target.checked), !e.target.checked && onChange({ min: value.desired, desired: value.desired, max: value.desired }))} />
      {bounds && (
        <div className={css.pair}>
          <Field label="Least">{(props) => <Input {...props} type="number" min={0} value={shown(value.min)} onChange={(e) => onChange({ ...value, min: number(e.target.value) })} />}</Field>
          <Field label="Most">{(props) => <Input {...props} type="number" min={0} value={shown(value.max)} onChange={(e) => onChange({ ...value, max: number(e.target.value) })} />}</Field>
        </div>
      )}
    </>
  )
}

function Resize({ row, around, share, onClose, begin }: { row: Row; around: Row[]; share?: number; onClose: () => void; begin: (to: Capacity) => Promise<void> }) {
  const [to, setTo] = useState<Capacity>(row.capacity)
  const wrong = fits(to)
  const c = wrong ? undefined : consequences('resize', row, { cluster: around, share, to })
  return (
    <Confirm open onClose={onClose} title={`Resize ${bare(row.name)}`} verb="Resize" danger={c?.danger} typed={c?.typed} disabled={wrong !== undefined} onConfirm={() => begin(to)}>
      <CapacityFields value={to} onChange={setTo} wrong={wrong} first />
      {c && (
        <>
          <Says says={c.says} danger={c.typed !== undefined} />
          {c.danger && <Left left={c.left} cluster={bare(row.cluster)} region={row.region} />}
        </>
      )}
    </Confirm>
  )
}

/** before returns what one would go back to: the next older one, or else the newest of the others. */
const before = (row: Row, others: Row[]): Row | undefined => others.find((o) => (o.createdTime ?? 0) < (row.createdTime ?? 0)) ?? others[0]

function Rollback({ row, around, onClose, begin }: { row: Row; around: Row[]; onClose: () => void; begin: (to: Row) => Promise<void> }) {
  const others = around.filter((o) => o.name !== row.name && o.status !== 'destroying')
  const [name, setName] = useState(before(row, others)?.name)
  const to = others.find((o) => o.name === name)
  return (
    <Confirm open onClose={onClose} title={`Roll ${bare(row.cluster)} back from ${versionOf(row)}`} verb={to ? `Roll back to ${versionOf(to)}` : 'Roll back'} disabled={!to} onConfirm={() => (to ? begin(to) : Promise.resolve())}>
      <fieldset className={css.targets}>
        <legend>To which version</legend>
        {others.map((o) => (
          <label key={o.name} className={css.target}>
            <input type="radio" name="target" value={o.name} checked={o.name === name} onChange={() => setName(o.name)} />
            <StatusIcon status={o.status} size={13} />
            <b>{versionOf(o)}</b>
            <code title={o.images.join('\n')}>{o.images.map(short).join(', ')}</code>
            <span className="muted">
              {o.instances.length} {o.instances.length === 1 ? 'instance' : 'instances'} · <Ago at={o.createdTime} />
            </span>
          </label>
        ))}
      </fieldset>
      {to && <Says says={consequences('rollback', row, { cluster: around, restore: to }).says} />}
    </Confirm>
  )
}

function CloneDialog({ row, onClose, begin }: { row: Row; onClose: () => void; begin: (c: Clone) => Promise<void> }) {
  const [c, setC] = useState<Clone>({ capacity: row.capacity, reference: row.images[0] ?? '', strategy: '', startDisabled: false })
  const wrong = fits(c.capacity)
  const given = { ...c, reference: c.reference === row.images[0] ? undefined : c.reference }
  return (
    <Confirm open onClose={onClose} title={`Clone ${bare(row.name)}`} verb="Clone" disabled={wrong !== undefined || !c.reference} onConfirm={() => begin(given)}>
      <p>The next version of {bare(row.cluster)} is made from what {versionOf(row)} was made from, with these changes.</p>
      <Field label="Artifact" hint="A directory, a .tar.gz or an executable, by its absolute path." required>
        {(props) => <Input {...props} autoFocus value={c.reference} spellCheck={false} onChange={(e) => setC({ ...c, reference: e.target.value })} />}
      </Field>
      <CapacityFields value={c.capacity} wrong={wrong} onChange={(capacity) => setC({ ...c, capacity })} />
      <Field label="Strategy">
        {(props) => (
          <Select {...props} value={c.strategy} onChange={(e) => setC({ ...c, strategy: e.target.value })}>
            {strategies.map((s) => (
              <option key={s.value} value={s.value}>
                {s.label}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Checkbox label="Start out of service" hint="It gets no requests until it is enabled." checked={c.startDisabled} onChange={(e) => setC({ ...c, startDisabled: e.target.checked })} />
    </Confirm>
  )
}
