// Nobody is kept out: every page in every theme, as axe sees it.
import Axe from '@axe-core/playwright'
import { expect, settled, test } from './fixtures'
import { views } from './pages'

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

for (const view of views)
  test(`${view.name} can be used by everybody, in every theme, and on a telephone`, async ({ page, living }) => {
    test.setTimeout(240_000)
    await page.goto(view.at(living.places))
    await settled(page)
    for (const theme of ['light', 'dark', 'contrast']) {
      await page.locator('html').evaluate((html, theme) => (html.dataset.theme = theme), theme)
      const { violations } = await new Axe({ page }).withTags(rules).analyze()
      const said = violations.map((v) => [`${v.id}: ${v.help}`, ...v.nodes.slice(0, 5).map((n) => `${n.target.join(' ')}: ${[...n.any, ...n.all, ...n.none][0]?.message ?? ''}`)].join('\n  '))
      expect(said, `in ${theme}`).toEqual([])
    }
    await page.setViewportSize({ width: 390, height: 844 })
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 'pixels beyond a telephone').toBe(0)
  })
