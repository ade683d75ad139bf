import { expect, test } from './fixtures'
import { judgment, wait } from './shop'

test.use({ viewport: { width: 390, height: 844 } })

test('find one’s way, and judge, at 390 px', async ({ page, shop, world }) => {
  await shop.save('Ship', { stages: [judgment('1'), wait('2', 0, ['1'])] })
  const id = await shop.run('Ship')
  await page.goto('')
  await page.getByRole('searchbox', { name: 'Search applications' }).fill(shop.name)
  await page.getByRole('link', { name: shop.name, exact: true }).first().click()
  await page.getByRole('navigation', { name: shop.name }).getByRole('link', { name: 'Pipelines' }).click()
  await page.getByRole('region', { name: 'Is it good?' }).getByRole('button', { name: 'Continue' }).click()
  await expect(page.getByRole('article', { name: 'Ship, succeeded' })).toBeVisible()
  expect((await world.execution(id)).status).toBe('SUCCEEDED')
  await page.getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name: 'Health' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Health' })).toBeVisible()
})
