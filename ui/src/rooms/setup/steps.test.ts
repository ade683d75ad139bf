import { expect, test } from 'vitest'
import { counters, progress, shares } from './steps'

const account = (name: string, connected = true) => ({ name, state: { connected } })
const run = (status: string) => ({ id: status, name: 'Deploy', status, buildTime: 1 })
const app = (name: string, ...statuses: string[]) => ({ name, saved: true, runs: statuses.map(run), running: statuses.filter((s) => s === 'RUNNING').length })
const pipeline = (application: string) => ({ name: 'Deploy', application })

test.each([
  ['nothing is known', {}, [undefined, undefined, undefined], ['', '', '']],
  ['an empty installation', { accounts: [account('local')], applications: [], pipelines: [] }, [true, false, false], ['Ready: local', '', '']],
  ['no account', { accounts: [account('k', false)], applications: [], pipelines: [] }, [false, false, false], ['No account is connected', '', '']],
  ['many accounts', { accounts: ['a', 'b', 'c', 'd'].map((n) => account(n)), applications: [], pipelines: [] }, [true, false, false], ['Ready: a, b and 2 more', '', '']],
  ['only the demo', { accounts: [], applications: [app('demo', 'SUCCEEDED')], pipelines: [pipeline('demo')] }, [false, false, false], ['No account is connected', '', '']],
  ['an application', { accounts: [account('local')], applications: [app('shop')], pipelines: [] }, [true, true, false], ['Ready: local', 'There is shop', '']],
  ['a pipeline', { accounts: [account('local')], applications: [app('shop')], pipelines: [pipeline('shop')] }, [true, true, false], ['Ready: local', 'There is shop', 'Deploy of shop is there; run it']],
  ['a run', { accounts: [account('local')], applications: [app('shop', 'RUNNING')], pipelines: [pipeline('shop')] }, [true, true, false], ['Ready: local', 'There is shop', 'A pipeline of shop runs']],
  ['a deployment', { accounts: [account('local')], applications: [app('shop', 'SUCCEEDED', 'TERMINAL'), app('x')], pipelines: [pipeline('shop')] }, [true, true, true], ['Ready: local', 'There are shop, x', 'Deploy of shop succeeded']],
])('progress with %s', (_, known, done, says) => {
  const got = progress(known)
  expect(got.map((p) => p.done)).toEqual(done)
  expect(got.map((p) => p.says)).toEqual(says)
})

const sample = (serverGroup: string, requests: number, errors = 0) => ({ loadBalancer: 'l', account: 'local', region: 'local', serverGroup, requests, errors, inFlight: 0, latencyMs: 1, weight: 1, inService: 1 })

test('counters sums over load balancers', () => {
  expect(counters([sample('v1', 10, 1), sample('v2', 5), sample('v1', 2)])).toEqual({ v1: { requests: 12, errors: 1 }, v2: { requests: 5, errors: 0 } })
})

test.each([
  ['none', { v1: 10 }, { v1: 10 }, []],
  ['one', { v1: 10 }, { v1: 110 }, [['v1', 50, 1]]],
  ['a new one', { v1: 10 }, { v2: 50, v1: 160 }, [['v1', 75, 0.75], ['v2', 25, 0.25]]],
  ['one that began anew', { v1: 100 }, { v1: 5 }, []],
] as const)('shares of %s', (_, before, after, want) => {
  const c = (of: Record<string, number>) => Object.fromEntries(Object.entries(of).map(([k, requests]) => [k, { requests, errors: 0 }]))
  expect(shares(c(before), c(after), 2_000).map((s) => [s.name, s.perSecond, s.share])).toEqual(want)
})
