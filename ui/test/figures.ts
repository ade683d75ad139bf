// The figures of the pages, as docs/reference/benchmarks.md has them. They are
// true on a machine that does nothing else.
import { promises as fs } from 'node:fs'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { Cluster } from './cluster'
import { expect, settled, test } from './fixtures'
import { views } from './pages'
import { Replay } from './replay'
import { wait } from './shop'

const dist = path.join(import.meta.dirname, '..', 'dist')
const KB = 1024
/** What a page may load of scripts at its first visit, gzipped. */
const budget = 250 * KB

const say = (...what: unknown[]) => console.log(what.join(' '))
const percentile = (of: number[], p: number) => of.toSorted((a, b) => a - b)[Math.min(of.length - 1, Math.floor((of.length * p) / 100))] ?? NaN
const spread = (of: number[]) => `p50 ${percentile(of, 50).toFixed(1)} ms, p95 ${percentile(of, 95).toFixed(1)} ms, n ${of.length}`

test('bytes of scripts at the first visit of each page', async ({ browser, world, living }) => {
  const over: string[] = []
  for (const view of views) {
    const page = await browser.newPage()
    const scripts = new Set<string>()
    page.on('response', (r) => r.request().resourceType() === 'script' && scripts.add(path.basename(new URL(r.url()).pathname)))
    await page.goto(`${world.url}/ui/${view.at(living.places)}`)
    await settled(page)
    const [gz, br] = await Promise.all(['.gz', '.br'].map((e) => total([...scripts], e)))
    say(view.name.padEnd(14), `${(gz! / KB).toFixed(1)} KB gzip, ${(br! / KB).toFixed(1)} KB brotli, ${scripts.size} files`)
    if (gz! > budget) over.push(view.name)
    await page.close()
  }
  expect(over, 'over 250 KB gzipped').toEqual([])
})

/** total is the size of files as they are sent; small ones are not compressed. */
async function total(files: string[], ending: string): Promise<number> {
  const sizes = files.map(async (f) => {
    const file = path.join(dist, 'assets', f)
    return (await fs.stat(file + ending).catch(() => fs.stat(file))).size
  })
  return (await Promise.all(sizes)).reduce((a, b) => a + b, 0)
}

test('first content of the fleet, with nothing in the cache', async ({ browser, world, living }) => {
  const painted: number[] = []
  const shown: number[] = []
  for (let i = 0; i < 20; i++) {
    const page = await browser.newPage()
    await page.goto(`${world.url}/ui/applications/${living.places.app}`)
    await page.getByRole('region', { name: 'Server groups' }).getByRole('listitem').first().waitFor()
    shown.push(await page.evaluate(() => performance.now()))
    painted.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]!.startTime))
    await page.close()
  }
  say('first contentful paint:', spread(painted))
  say('server groups are there (as the test sees it):', spread(shown))
})

test('from an event to the pixel, while 50 pipelines run', async ({ page, shop, world }) => {
  const steps = Array.from({ length: 8 }, (_, i) => wait(String(i + 1), 3, i === 0 ? [] : [String(i)], `Step ${i + 1}`))
  await shop.save('Busy', { limitConcurrent: false, stages: steps })
  await page.goto(`applications/${shop.name}/pipelines`)
  await settled(page)
  await measure(page)
  const ids = await Promise.all(Array.from({ length: 50 }, () => shop.run('Busy')))
  await Promise.all(ids.map((id) => world.execution(id)))
  const { took, missed } = await page.evaluate(() => {
    const { took, waiting } = globalThis as unknown as { took: number[]; waiting: Map<string, number> }
    return { took, missed: waiting.size }
  })
  say('event to pixel:', spread(took), '(from the time that the event carries, which is that of its commit, to the frame in which the part of the bar has the new status; executions that are in sight)', `${missed} were overtaken by the next before they were seen, or went out of sight`)
  expect(took.length).toBeGreaterThan(50)
})

/**
 * measure has the page note how long each change of a stage takes to be seen.
 * It reads the stream of events beside the page, remembers what is to be seen,
 * looks at each change of the document whether it is there, and takes the time
 * in the next frame.
 */
async function measure(page: Page) {
  await page.evaluate(async () => {
    const took: number[] = []
    const waiting = new Map<string, number>()
    Object.assign(globalThis, { took, waiting })
    const look = () => {
      for (const [key, at] of waiting) {
        const [execution, name, word] = key.split('|')
        const entry = document.querySelector(`article a[href*="${execution}"]`)?.closest('article')
        if (!entry?.querySelector(`button[aria-label^="${name}: ${word}"]`)) continue
        waiting.delete(key)
        took.push(Date.now() - at)
      }
    }
    // Once before each frame in which something is new: a look at every change would be what is measured.
    let asked = false
    const ask = () => {
      if (asked) return
      asked = true
      requestAnimationFrame(() => {
        asked = false
        look()
      })
    }
    new MutationObserver(ask).observe(document.body, { subtree: true, childList: true, attributes: true })
    const words: Record<string, string> = { RUNNING: 'running', SUCCEEDED: 'succeeded' }
    const stream = (await fetch('/api/v1/events')).body!.pipeThrough(new TextDecoderStream()).getReader()
    void (async () => {
      let rest = ''
      for (;;) {
        const { done, value } = await stream.read()
        if (done) return
        const lines = (rest + value).split('\n')
        rest = lines.pop()!
        for (const line of lines) {
          if (!line.startsWith('data: ')) continue
          const e = JSON.parse(line.slice(6)) as { type: string; execution?: string; stage?: string; task?: string; name?: string; status?: string; at: number }
          const word = words[e.status ?? '']
          // What is not in sight has no pixel; what came before the page is not measured.
          if (e.type === 'execution' && e.stage && !e.task && word && document.querySelector(`article a[href*="${e.execution}"]`)) waiting.set(`${e.execution}|${e.name}|${word}`, e.at)
        }
        ask()
      }
    })()
  })
}

test('memory of the page after an hour of events', async ({ browser, world, living }) => {
  const hour = { seconds: 3_600, perSecond: 20 }
  const replay = await Replay.start(world.url)
  const page = await browser.newPage()
  await page.goto(`${replay.url}/ui/applications/${living.places.app}`)
  await settled(page)
  const before = await heap(page)
  const group = living.places.group.split('/')[2]!
  for (let s = 0; s < hour.seconds; s++) {
    const at = Date.now() + s * 1_000
    const counted = { loadBalancer: living.places.app, account: 'local', region: 'local', serverGroup: group, requests: s * 100, errors: s, inFlight: 3, latencyMs: 4, weight: 100, inService: 2 }
    await replay.send({ type: 'traffic', application: living.places.app, at, traffic: [counted] })
    for (let i = 1; i < hour.perSecond; i++)
      await replay.send(i % 4 === 0 ? { type: 'serverGroup', application: living.places.app, account: 'local', region: 'local', name: group, at } : { type: 'execution', application: living.places.app, execution: living.places.waiting, stage: `${i}`, status: 'RUNNING', at })
  }
  // The only one about accounts: when the page asks for them, it has read everything before.
  const read = page.waitForRequest(/\/api\/v1\/accounts/, { timeout: 120_000 })
  await replay.send({ type: 'account', account: 'local', at: Date.now() })
  await read
  const after = await heap(page)
  say(`heap: ${(before / KB / KB).toFixed(1)} MB before, ${(after / KB / KB).toFixed(1)} MB after ${(hour.seconds * hour.perSecond).toLocaleString('en')} events (an hour of ${hour.perSecond} a second, as fast as the page reads them; collected before it is measured)`)
  expect(after - before, 'bytes more').toBeLessThan(30 * KB * KB)
  await page.close()
  replay.close()
})

/** heap is what the page holds, in bytes, without what may be collected. */
async function heap(page: Page): Promise<number> {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('HeapProfiler.collectGarbage')
  return (await cdp.send('Runtime.getHeapUsage')).usedSize
}

test('scrolling 10,000 instances', async ({ page, world }) => {
  const cluster = await Cluster.start({ application: 'big', groups: 50, pods: 200 })
  await world.ask('PUT', '/api/v1/accounts/big', { name: 'big', kubeconfigFile: await cluster.kubeconfig(path.join(world.dir, 'big.yaml')) })
  await world.until<{ items: unknown[] }>('/api/v1/server-groups?application=big', ({ items }) => items.length === 50)
  await page.goto('applications/big')
  await settled(page)
  const frames = await page.getByRole('region', { name: 'Server groups' }).evaluate(async (box) => {
    const frames: number[] = []
    const end = box.scrollHeight - box.clientHeight
    let last = await new Promise<number>(requestAnimationFrame)
    for (let i = 0; i < 300; i++) {
      box.scrollTop = Math.min(end, (i % 150) * (end / 150))
      const now = await new Promise<number>(requestAnimationFrame)
      frames.push(now - last)
      last = now
    }
    return frames
  })
  say('frames while 10,000 instances are scrolled from end to end:', spread(frames))
  await world.ask('DELETE', '/api/v1/accounts/big')
  cluster.close()
})

test('moving and zooming a graph of 500 stages', async ({ page, shop }) => {
  const lanes = 10
  const steps = Array.from({ length: 500 }, (_, i) => wait(String(i + 1), 3_600, i < lanes ? [] : [String(i + 1 - lanes)], `Step ${i + 1}`))
  await shop.save('Large', { limitConcurrent: false, stages: steps })
  const id = await shop.run('Large')
  await page.goto(`applications/${shop.name}/executions/${id}`)
  const graph = page.getByRole('group', { name: 'Stages', exact: true })
  await graph.getByRole('button', { name: 'Step 1: running', exact: true }).waitFor()
  await settled(page)
  const box = (await graph.boundingBox())!
  const [x, y] = [box.x + box.width - 60, box.y + box.height - 30]
  /** moved has the page tell how long each frame took while something happens to the graph. */
  const moved = async (what: () => Promise<void>) => {
    await page.evaluate(() => {
      const frames: number[] = []
      let last = performance.now()
      const next = (now: number) => {
        frames.push(now - last)
        last = now
        ;(globalThis as unknown as { frame: number }).frame = requestAnimationFrame(next)
      }
      Object.assign(globalThis, { frames, frame: requestAnimationFrame(next) })
    })
    await what()
    return page.evaluate(() => {
      const { frames, frame } = globalThis as unknown as { frames: number[]; frame: number }
      cancelAnimationFrame(frame)
      return frames.slice(1)
    })
  }
  const dragged = await moved(async () => {
    await page.mouse.move(x, y)
    await page.mouse.down()
    for (let i = 0; i < 200; i++) await page.mouse.move(x - Math.min(i * 5, 900), y - (i % 40))
    await page.mouse.up()
  })
  say('frames while the graph is dragged:', spread(dragged))
  await graph.getByRole('button', { name: 'Show all' }).click()
  const zoomed = await moved(async () => {
    await page.keyboard.down('Control')
    for (let i = 0; i < 60; i++) await page.mouse.wheel(0, i < 30 ? -20 : 20)
    await page.keyboard.up('Control')
  })
  say('frames while it is zoomed, from all of it:', spread(zoomed))
})
