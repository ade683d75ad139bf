// The form of a deploy stage: each cluster with what runs, how many of it, and how
// it takes over.
import { useQuery } from '@tanstack/react-query'
import { Button, IconButton } from '~/kit/button'
import { Field, Select } from '~/kit/field'
import { useEditing, useValue } from '../editing'
import { get, isObject, set, type Doc, type Json } from '../document'
import type { Path } from '../path'
import { accountNames, loadBalancers } from '../queries'
import { fieldsOf, items, type Field as Is } from '../schema'
import { clusterName, strategies, strategyOf } from '../strategies'
import css from './forms.module.css'
import { Rows, type HandProps } from './HandForms'
import { Group, SchemaForm } from './SchemaForm'
import { TextInput } from './values'

/** What the form of a cluster shows by hand. */
const shown = [
  'account', 'credentials', 'region', 'application', 'stack', 'freeFormDetails', 'cloudProvider', 'strategy', 'capacity', 'useSourceCapacity', 'loadBalancers',
  'artifact', 'command', 'env', 'healthCheck', 'drainSeconds', ...strategies.flatMap((s) => s.fields),
]

const fresh = (app: string): Doc => ({
  cloudProvider: 'local',
  account: 'local',
  region: 'local',
  application: app,
  stack: 'prod',
  strategy: 'redblack',
  capacity: { min: 1, max: 1, desired: 1 },
  loadBalancers: [],
  artifact: { reference: '' },
  healthCheck: { type: 'http', path: '/' },
})

export function DeployForm({ base, fields }: HandProps) {
  const { app, doc, edit } = useEditing()
  const path = [...base, 'clusters']
  const value = get(doc, path)
  const list = Array.isArray(value) ? value : []
  const clusters = fields.get('clusters')
  if (!clusters) return null
  const own = new Map(fieldsOf(items(clusters).schema).map((f) => [f.key, f]))
  return (
    <>
      {list.map((c, i) => (
        <Group
          key={i}
          title={isObject(c) ? `Cluster ${clusterName(c.application, c.stack, c.freeFormDetails) || i + 1}` : `Cluster ${i + 1}`}
          actions={
            <>
              <Button small kind="quiet" onClick={() => edit((d) => set(d, path, [...list, structuredClone(c)]))}>
                Duplicate
              </Button>
              <IconButton small label={`Remove cluster ${i + 1}`} onClick={() => edit((d) => set(d, path, list.filter((_, j) => j !== i)))}>
                ✕
              </IconButton>
            </>
          }
        >
          <Cluster base={[...path, i]} fields={own} />
        </Group>
      ))}
      <Button small className={css.add} onClick={() => edit((d) => set(d, path, [...list, fresh(app)]))}>
        Add a cluster
      </Button>
    </>
  )
}

function Cluster({ base, fields }: HandProps) {
  const { doc, edit } = useEditing()
  const at = (key: string) => get(doc, [...base, key])
  const strategy = strategyOf(at('strategy'))
  const health = get(doc, [...base, 'healthCheck', 'type'])
  return (
    <div className={css.fields}>
      <div className={css.pair}>
        <AccountField base={base} />
        <Rows base={base} fields={plain(fields, ['region', 'stack', 'freeFormDetails'])} keys={['region', 'stack', 'freeFormDetails']} names={{ freeFormDetails: 'Detail' }} />
      </div>
      <Field label="Strategy" hint={strategy?.does}>
        {(p) => (
          <Select {...p} value={strategy?.key ?? String(at('strategy'))} onChange={(e) => edit((d) => set(d, [...base, 'strategy'], e.target.value))}>
            {strategies.map((s) => (
              <option key={s.key} value={s.key}>
                {s.name}
              </option>
            ))}
            {!strategy && <option value={String(at('strategy'))}>{String(at('strategy'))}</option>}
          </Select>
        )}
      </Field>
      {strategy && <Rows base={base} fields={fields} keys={strategy.fields} names={{ maxRemainingAsgs: 'Server groups to leave', delayBeforeDisableSec: 'Seconds before the old one is disabled', targetPercentages: 'Steps, in percent' }} />}
      <Capacity base={base} />
      <LoadBalancers base={base} />
      <Rows base={base} fields={fields} keys={['artifact', 'command', 'env']} names={{ artifact: 'What runs', env: 'Environment' }} />
      <Group title="Health check">
        <Rows
          base={[...base, 'healthCheck']}
          fields={new Map(fieldsOf(fields.get('healthCheck')?.schema ?? {}).map((f) => [f.key, f]))}
          keys={['type', ...(health === 'none' ? [] : [...(health === 'command' ? ['command'] : health === 'tcp' ? [] : ['path']), 'intervalMs', 'timeoutMs', 'healthyThreshold', 'unhealthyThreshold', 'graceSeconds'])]}
        />
      </Group>
      <Rows base={base} fields={fields} keys={['drainSeconds']} />
      <details className={css.details}>
        <summary>All fields of the cluster</summary>
        <SchemaForm base={base} fields={[...fields.values()].filter((f) => !shown.includes(f.key))} hidden={shown} />
      </details>
    </div>
  )
}

/** plain leaves out what fields say of themselves, where their names are enough. */
const plain = (fields: Map<string, Is>, keys: string[]) => new Map(keys.flatMap((k) => (fields.has(k) ? [[k, { ...fields.get(k)!, description: '' }] as const] : [])))

export function AccountField({ base, name = 'Account' }: { base: Path; name?: string }) {
  const accounts = useQuery(accountNames())
  const key = useValue([...base, 'credentials']).value === undefined ? 'account' : 'credentials'
  const { value, change, wrong } = useValue([...base, key])
  const names = (accounts.data ?? []).flatMap((a) => (typeof a.name === 'string' ? [a.name] : []))
  const now = typeof value === 'string' ? value : ''
  return (
    <Field label={name} error={wrong[0]?.message}>
      {(p) =>
        names.length === 0 || now.includes('${') ? (
          <TextInput field={{ key, kind: 'text', description: '', choices: [], schema: {} }} value={value} onChange={change} attributes={p} />
        ) : (
          <Select {...p} value={now} onChange={(e) => change(e.target.value === '' ? undefined : e.target.value)}>
            <option value="">not set</option>
            {[...new Set([...names, ...(now === '' ? [] : [now])])].map((n) => (
              <option key={n} value={n}>
                {names.includes(n) ? n : `${n} (no such account)`}
              </option>
            ))}
          </Select>
        )
      }
    </Field>
  )
}

/** Capacity is one number for most, and three for those who want a range. */
function Capacity({ base }: { base: Path }) {
  const { value, change } = useValue([...base, 'capacity'])
  const source = useValue([...base, 'useSourceCapacity'])
  const c = isObject(value) ? value : {}
  const put = (key: string, v: Json | undefined) => change({ ...c, [key]: v ?? 0 })
  const range = c.min !== c.desired || c.max !== c.desired
  const number = (key: string): Is => ({ key, kind: 'number', description: '', choices: [], schema: {} })
  const from = source.value === true || source.value === 'true'
  return (
    <Group title="Capacity">
      <label className={css.inline}>
        <input type="checkbox" checked={from} onChange={(e) => source.change(e.target.checked ? true : undefined)} /> As many as the server group that is replaced
      </label>
      {!from && (
        <div className={css.pair}>
          <Field label="Instances">{(p) => <TextInput field={number('desired')} value={c.desired} attributes={p} onChange={(v) => (range ? put('desired', v) : change({ min: v ?? 0, max: v ?? 0, desired: v ?? 0 }))} />}</Field>
          <Field label="At least">{(p) => <TextInput field={number('min')} value={c.min} attributes={p} onChange={(v) => put('min', v)} />}</Field>
          <Field label="At most">{(p) => <TextInput field={number('max')} value={c.max} attributes={p} onChange={(v) => put('max', v)} />}</Field>
        </div>
      )}
    </Group>
  )
}

function LoadBalancers({ base }: { base: Path }) {
  const { app } = useEditing()
  const { value, change, within } = useValue([...base, 'loadBalancers'])
  const there = useQuery(loadBalancers(app))
  const chosen = Array.isArray(value) ? value.map(String) : []
  const names = [...new Set([...(there.data ?? []).flatMap((b) => (typeof b.name === 'string' ? [b.name] : [])), ...chosen])]
  const field: Is = { key: 'loadBalancers', kind: 'text', description: '', choices: [], schema: {} }
  return (
    <Group title="Load balancers" hint={within[0]?.message ?? (names.length === 0 ? 'The application has none yet.' : undefined)}>
      {typeof value === 'string' ? (
        <TextInput field={field} value={value} onChange={change} attributes={{ 'aria-label': 'Load balancers' }} />
      ) : (
        names.map((n) => (
          <label key={n} className={css.inline}>
            <input type="checkbox" checked={chosen.includes(n)} onChange={(e) => change(e.target.checked ? [...chosen, n] : chosen.filter((c) => c !== n))} /> {n}
          </label>
        ))
      )}
    </Group>
  )
}
