// What every journey begins with: a world, and a page that must not complain.
import path from 'node:path'
import { type Page, expect, test as base } from '@playwright/test'
import { live, type Living } from './living'
import { Shop } from './shop'
import { World } from './world'

export { expect }

/** Trouble is what a page complains about; a journey announces what it provokes. */
export class Trouble {
  private readonly announced: RegExp[] = []
  private readonly heard: string[] = []

  announce(...what: RegExp[]) {
    this.announced.push(...what)
  }

  watch(page: Page) {
    page.on('pageerror', (e) => this.heard.push(`error of the page: ${e.stack ?? e.message}`))
    page.on('console', (m) => {
      if (m.type() === 'error' || m.type() === 'warning') this.heard.push(`console: ${m.text()} ${m.location().url}`)
    })
    page.on('response', (r) => {
      if (r.status() >= 400) this.heard.push(`answer ${r.status()}: ${r.request().method()} ${r.url()}`)
    })
    page.on('requestfailed', (r) => {
      // What the page itself dropped, because it went on, is no trouble.
      if (r.failure()?.errorText !== 'net::ERR_ABORTED') this.heard.push(`failed ${r.failure()?.errorText}: ${r.method()} ${r.url()}`)
    })
  }

  get unannounced(): string[] {
    return this.heard.filter((h) => !this.announced.some((a) => a.test(h)))
  }
}

type Journey = { trouble: Trouble; shop: Shop }
type Worlds = { world: World; living: Living }

export const test = base.extend<Journey, Worlds>({
  world: [
    async ({}, use) => {
      const world = await World.start()
      await use(world)
      await world.close()
    },
    { scope: 'worker', timeout: 60_000 },
  ],

  living: [
    async ({ world }, use) => {
      const living = await live(world)
      await use(living)
      await living.shop.close()
    },
    { scope: 'worker', timeout: 180_000 },
  ],

  baseURL: async ({ world }, use) => use(`${world.url}/ui/`),

  trouble: async ({}, use) => {
    const trouble = new Trouble()
    await use(trouble)
    expect(trouble.unannounced, 'the page complained').toEqual([])
  },

  page: async ({ page, trouble }, use) => {
    trouble.watch(page)
    if (process.env.PAGES) await fresh(page, process.env.PAGES)
    await use(page)
  },

  shop: async ({ world }, use, info) => {
    const shop = await Shop.open(world, `shop${info.testId.slice(-8)}`)
    await use(shop)
    await shop.close()
  },
})

/** fresh takes the pages from a directory instead of the program: while they are being written it need not be built. */
async function fresh(page: Page, dir: string) {
  await page.route('**/ui/**', async (route) => {
    const file = path.join(dir, new URL(route.request().url()).pathname.replace('/ui/', '/'))
    await route.fulfill({ path: path.extname(file) ? file : path.join(dir, 'index.html') })
  })
}

/** followed waits until the page follows what happens. */
export async function followed(page: Page) {
  await expect(page.locator('main[data-link=live]')).toBeAttached()
}

/** settled waits until a page has its heading, and all that it asked for. */
export async function settled(page: Page) {
  await followed(page)
  // A dialog hides the page behind it from roles.
  await expect(page.locator('h1').first()).toBeVisible()
  await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0)
}

/** themed has the page shown in a theme from now on. */
export async function themed(page: Page, theme: string) {
  await page.addInitScript((t) => localStorage.setItem('gennaker.theme', t), theme)
}
