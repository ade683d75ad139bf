// What can be done with a server group, as the tasks that do it.
// Source: Spinnaker's operations; the command line starts the same ones.
import type { Schemas } from '~/api/client'
import { bare, parts, type Row } from './model'

export type Operation = Schemas['OperationBody']
export type Capacity = Schemas['Capacity']

export const actionNames = ['resize', 'enable', 'disable', 'rollback', 'clone', 'destroy'] as const
export type Action = (typeof actionNames)[number]

/** Strategy is how a clone takes over from the others of its cluster. */
export const strategies = [
  { value: '', label: 'None: beside what is there' },
  { value: 'redblack', label: 'Red/black: disable the others when it is healthy' },
  { value: 'highlander', label: 'Highlander: destroy the others when it is healthy' },
] as const

export type Clone = { capacity: Capacity; reference?: string; strategy: string; startDisabled: boolean }

/** onGroup is a task of one job on a server group. */
function onGroup(r: Row, type: string, description: string, more: object = {}): Operation {
  const { stack, detail } = parts(r)
  const job = {
    type,
    cloudProvider: r.cloudProvider,
    credentials: r.account,
    region: r.region,
    regions: [r.region],
    serverGroupName: r.name,
    cluster: r.cluster,
    moniker: { app: r.application, cluster: r.cluster, ...(stack && { stack }), ...(detail && { detail }), ...(r.version !== undefined && { sequence: r.version }) },
    ...more,
  }
  return { application: r.application, description: `${description}: ${bare(r.name)}`, job: [job] }
}

export const enable = (r: Row) => onGroup(r, 'enableServerGroup', 'Enable Server Group')
export const disable = (r: Row) => onGroup(r, 'disableServerGroup', 'Disable Server Group')
export const destroy = (r: Row) => onGroup(r, 'destroyServerGroup', 'Destroy Server Group')
export const resize = (r: Row, capacity: Capacity) => onGroup(r, 'resizeServerGroup', 'Resize Server Group', { action: 'scale_exact', resizeType: 'exact', capacity })

/** terminate replaces one instance. */
export const terminate = (r: Row, instance: string) => onGroup(r, 'terminateInstances', 'Terminate Instance', { instanceIds: [instance] })

/** rollback goes back from r to another server group of its cluster. */
export function rollback(r: Row, to: Row): Operation {
  const rollbackContext = { rollbackServerGroupName: r.name, restoreServerGroupName: to.name, targetHealthyRollbackPercentage: 100, restoreWasDisabled: to.status === 'disabled' }
  const job = { type: 'rollbackServerGroup', rollbackType: 'EXPLICIT', rollbackContext, cloudProvider: r.cloudProvider, credentials: r.account, region: r.region, regions: [r.region], cluster: r.cluster }
  return { application: r.application, description: `Roll Back Server Group: ${bare(r.name)} to ${bare(to.name)}`, job: [job] }
}

/** clone makes the next version of the cluster from what r was made from. */
export function clone(r: Row, c: Clone): Operation {
  const { stack, detail } = parts(r)
  const job = {
    type: 'cloneServerGroup',
    cloudProvider: r.cloudProvider,
    account: r.account,
    credentials: r.account,
    region: r.region,
    application: r.application,
    stack,
    freeFormDetails: detail,
    source: { account: r.account, region: r.region, serverGroupName: r.name },
    capacity: c.capacity,
    strategy: c.strategy,
    startDisabled: c.startDisabled,
    ...(c.reference && { artifact: { reference: c.reference } }),
  }
  return { application: r.application, description: `Clone Server Group: ${bare(r.name)}`, job: [job] }
}

/** fits says what is wrong with a capacity; nothing if it can be. */
export function fits(c: Capacity): string | undefined {
  const { min, desired, max } = c
  if (![min, desired, max].every((n) => Number.isInteger(n) && n >= 0)) return 'Whole numbers from 0.'
  if (max > 10_000) return 'At most 10,000 instances.'
  return min <= desired && desired <= max ? undefined : 'The least, the number and the most must be in this order.'
}

/** moved sets how many instances are wanted; the bounds move only as far as that needs, and a fixed number stays one. */
export function moved(c: Capacity, desired: number): Capacity {
  const fixed = c.min === c.max
  return { desired, min: fixed ? desired : Math.min(c.min, desired), max: fixed ? desired : Math.max(c.max, desired) }
}

/** whyNot says why something cannot be done with a server group now; nothing if it can. */
export function whyNot(action: Action, r: Row, siblings: Row[]): string | undefined {
  if (r.status === 'destroying') return 'It is being destroyed.'
  switch (action) {
    case 'enable':
      return r.status === 'disabled' ? undefined : 'It is enabled.'
    case 'disable':
      return r.status === 'disabled' ? 'It is disabled.' : undefined
    case 'rollback':
      return siblings.some((s) => s.name !== r.name && s.status !== 'destroying') ? undefined : 'The cluster has no other version.'
    case 'clone':
      return r.cloudProvider === 'local' ? undefined : 'What is made from manifests is deployed by a pipeline.'
    default:
      return undefined
  }
}
