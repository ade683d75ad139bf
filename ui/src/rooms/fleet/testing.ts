import type { Row } from './model'

/** row makes a server group for tests; up is how many instances are. */
export function row({ up = 2, ...given }: Partial<Row> & { up?: number } = {}): Row {
  return {
    name: 'shop-prod-v001', account: 'a', region: 'r', cloudProvider: 'local', application: 'shop', cluster: 'shop-prod', version: 1, images: [], status: 'up',
    capacity: { min: up, max: up, desired: up }, weight: 100, loadBalancers: [],
    instanceCounts: { total: up, up, down: 0, unknown: 0, outOfService: 0, starting: 0, succeeded: 0, failed: 0 },
    instances: Array.from({ length: up }, (_, i) => ({ name: `${given.name ?? 'shop-prod-v001'}-${i}`, state: 'Up' })),
    ...given,
  }
}
