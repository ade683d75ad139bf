// The strategies of a deployment: what each does, and which fields it reads.

export type Strategy = { key: string; name: string; does: string; fields: readonly string[] }

export const strategies: readonly Strategy[] = [
  { key: '', name: 'None', does: 'The new server group joins the others, which stay as they are.', fields: [] },
  {
    key: 'redblack',
    name: 'Blue/green',
    does: 'When the new server group is healthy it takes over, and the old ones are disabled; a way back stays.',
    fields: ['delayBeforeDisableSec', 'maxRemainingAsgs', 'scaleDown', 'delayBeforeScaleDownSec', 'rollback'],
  },
  {
    key: 'rollingredblack',
    name: 'Blue/green in steps',
    does: 'The new server group grows step by step, and as much of the old one leaves the traffic; a pipeline may judge each step.',
    fields: ['targetPercentages', 'delayBeforeDisableSec', 'pipelineBeforeCleanup', 'scaleDown', 'delayBeforeScaleDownSec', 'rollback'],
  },
  { key: 'highlander', name: 'Highlander', does: 'When the new server group is healthy the old ones are destroyed. There is no quick way back.', fields: [] },
]

/** strategyOf returns the one that a cluster names; none of one that an expression makes, or that is not known. Pure. */
export const strategyOf = (value: unknown): Strategy | undefined => strategies.find((s) => s.key === (value === undefined || value === null || value === 'none' ? '' : value))

/** clusterName returns what the server groups of a cluster are called, without their number. Pure. */
export function clusterName(application: unknown, stack: unknown, detail: unknown): string {
  const text = (v: unknown) => (typeof v === 'string' ? v : '')
  const [a, s, d] = [text(application), text(stack), text(detail)]
  return d !== '' ? `${a}-${s}-${d}` : s !== '' ? `${a}-${s}` : a
}
