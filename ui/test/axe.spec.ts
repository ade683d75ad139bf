// Nobody is kept out: every page in every theme, as axe sees it.
import Axe from '@axe-core/playwright'
import { expect, settled, test, themed } from './fixtures'
import { views } from './pages'

for (const view of views)
  for (const theme of ['light', 'dark', 'contrast'])
    test(`${view.name} in ${theme} can be used by everybody`, async ({ page, living }) => {
      await themed(page, theme)
      await page.goto(view.at(living.places))
      await settled(page)
      const { violations } = await new Axe({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze()
      expect(violations.map((v) => `${v.id}: ${v.help}\n  ${v.nodes.slice(0, 5).map((n) => `${n.target.join(' ')}: ${n.any.concat(n.all, n.none)[0]?.message ?? ''}`).join('\n  ')}`)).toEqual([])
    })
