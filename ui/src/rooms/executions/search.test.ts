import { expect, test } from 'vitest'
import { compareSearch, executionSearch, executionsSearch } from './search'

test.each<[(raw: Record<string, unknown>) => object, Record<string, unknown>, object]>([
  [executionsSearch, {}, {}],
  [executionsSearch, { pipeline: 'p', status: 'failed', q: 12, group: 'day', start: 's', other: 1 }, { pipeline: 'p', status: 'failed', q: '12', group: 'day', start: 's' }],
  [executionsSearch, { status: 'toString', group: 'none', q: '' }, {}],
  [executionSearch, { view: 'waterfall', stage: 'S1', tab: 'json', raw: true }, { view: 'waterfall', stage: 'S1', tab: 'json', raw: true }],
  [executionSearch, { view: 'tree', tab: {}, raw: 'no', rerun: false }, {}],
  [compareSearch, { stage: '1', all: 'true' }, { stage: '1', all: true }],
])('%# of %j', (read, raw, want) => {
  expect(read(raw)).toEqual(want)
})
