// Pictures of every page, for those who judge them by looking.
import path from 'node:path'
import { expect, settled, test, themed } from './fixtures'
import { views } from './pages'

const sizes = { wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 844 } }
const dir = path.join(import.meta.dirname, '..', 'shots')

for (const theme of ['light', 'dark'])
  for (const [size, viewport] of Object.entries(sizes))
    test(`${theme}, ${size}`, async ({ page, living }) => {
      test.setTimeout(600_000)
      await themed(page, theme)
      await page.setViewportSize(viewport)
      for (const view of views)
        await test.step(view.name, async () => {
          await page.goto(view.at(living.places))
          await settled(page)
          if (view.route === '/applications/$app') await expect(page.getByRole('img', { name: /^Measured/ })).toBeVisible()
          await page.screenshot({ path: path.join(dir, `${view.name}-${theme}-${size}.png`), animations: 'disabled' })
        })
    })
