import type { Page } from '@playwright/test'
import { expect, settled, test } from './fixtures'

/** row is the line of a version in the list of server groups. */
const row = (page: Page, version: string) => page.getByRole('region', { name: 'Server groups' }).getByRole('listitem').filter({ has: page.getByRole('button', { name: `${version} of` }) })

/** act chooses an action from the menu of a version. */
async function act(page: Page, version: string, action: string) {
  await row(page, version).getByRole('button', { name: /^Actions on/ }).click()
  await page.getByRole('menuitem', { name: action }).click()
}

test('deploy and watch: boxes come up, and the traffic moves to the new version', async ({ page, shop }) => {
  const load = await shop.listens()
  await shop.deploys()
  await page.goto(`applications/${shop.name}`)
  await settled(page)
  await expect(page.getByRole('heading', { name: 'Nothing runs here' })).toBeVisible()

  await shop.deploy('v1')
  await expect(row(page, 'v000').getByRole('button', { name: /^Instances of .*: 2 up$/ })).toBeVisible()
  await expect(page.getByRole('img', { name: /Measured share of requests.*v000 100 %/ })).toBeVisible()

  const before = load.lost
  const deployment = shop.deploy('v2')
  await expect(page.getByRole('link', { name: /Deploy/ }).first()).toBeVisible()
  await expect(row(page, 'v001').getByRole('button', { name: /^Instances of .*: 2 up$/ })).toBeVisible()
  await deployment
  await expect(page.getByRole('img', { name: /Measured share of requests.*v001 100 %/ })).toBeVisible()
  await expect(row(page, 'v000').getByRole('button', { name: /^Instances of .*: 2 out of service$/ })).toBeVisible()
  expect(load.lost - before, 'requests lost while it was deployed').toBe(0)
})

test('roll back from the fleet with the keyboard', async ({ page, shop }) => {
  const load = await shop.serves('v1', 'v2')
  await page.goto(`applications/${shop.name}`)
  await settled(page)
  await expect(row(page, 'v001')).toBeVisible()
  await page.keyboard.press('j')
  await page.keyboard.press('b')
  const dialog = page.getByRole('dialog', { name: /Roll .* back from v001/ })
  await expect(dialog.getByRole('radio', { name: /v000/ })).toBeChecked()
  await expect(dialog.getByText(`${shop.group(0)} is enabled`)).toBeVisible()
  await dialog.getByRole('button', { name: 'Roll back to v000' }).click()
  await expect(row(page, 'v000').getByRole('button', { name: /: 2 up$/ })).toBeVisible()
  await expect(row(page, 'v001').getByRole('button', { name: /: 2 out of service$/ })).toBeVisible()
  await expect(page.getByRole('status').getByText('was rolled back to v000')).toBeVisible()
  const served = load.versions.get('v1') ?? 0
  await expect.poll(() => load.versions.get('v1') ?? 0).toBeGreaterThan(served)
})

test('resize a server group', async ({ page, shop }) => {
  await shop.serves('v1')
  await page.goto(`applications/${shop.name}`)
  await act(page, 'v000', 'Resize')
  const dialog = page.getByRole('dialog', { name: /Resize/ })
  await dialog.getByRole('spinbutton', { name: 'Instances' }).fill('3')
  await expect(dialog.getByText('1 instance more start')).toBeVisible()
  await dialog.getByRole('button', { name: 'Resize' }).click()
  await expect(row(page, 'v000').getByRole('button', { name: /: 3 up$/ })).toBeVisible()
  await expect(row(page, 'v000')).toContainText('3/3')
})

test('disable the only version, which is asked for in earnest, and enable it again', async ({ page, shop }) => {
  await shop.serves('v1')
  await page.goto(`applications/${shop.name}`)
  await act(page, 'v000', 'Disable')
  const dialog = page.getByRole('dialog', { name: /Disable/ })
  await expect(dialog.getByText('requests will fail')).toBeVisible()
  const disable = dialog.getByRole('button', { name: 'Disable' })
  await expect(disable).toBeDisabled()
  await dialog.getByRole('textbox').fill(shop.group(0))
  await disable.click()
  await expect(row(page, 'v000').getByRole('button', { name: /: 2 out of service$/ })).toBeVisible()
  await act(page, 'v000', 'Enable')
  await page.getByRole('dialog', { name: /Enable/ }).getByRole('button', { name: 'Enable' }).click()
  await expect(row(page, 'v000').getByRole('button', { name: /: 2 up$/ })).toBeVisible()
})

test('the last version is not destroyed by a slip; an old one is destroyed when asked', async ({ page, shop }) => {
  await shop.serves('v1', 'v2')
  await page.goto(`applications/${shop.name}`)
  await act(page, 'v001', 'Destroy')
  const dialog = page.getByRole('dialog', { name: /Destroy/ })
  await expect(dialog.getByText('requests will fail')).toBeVisible()
  const destroy = dialog.getByRole('button', { name: 'Destroy' })
  await expect(destroy).toBeDisabled()
  await dialog.getByRole('textbox').fill(shop.group(0))
  await expect(destroy).toBeDisabled()
  await dialog.getByRole('button', { name: 'Keep as it is' }).click()
  await expect(row(page, 'v001').getByRole('button', { name: /: 2 up$/ })).toBeVisible()

  await act(page, 'v000', 'Destroy')
  await expect(dialog.getByText('None of its instances gets requests now.')).toBeVisible()
  await destroy.click()
  await expect(row(page, 'v000')).toHaveCount(0)
})

test('read the logs of an instance as they are written', async ({ page, shop }) => {
  await shop.serves('v1')
  await page.goto(`applications/${shop.name}`)
  await row(page, 'v000').getByRole('button', { name: /^Instances of/ }).click()
  await page.getByRole('tab', { name: 'Logs' }).click()
  const log = page.getByRole('log', { name: 'Log' })
  await expect(log.getByText('v1 served /').first()).toBeVisible()
  const lines = page.getByText(/\d+ lines/)
  const before = await lines.textContent()
  await expect(lines).not.toHaveText(before ?? '')
  await page.getByRole('searchbox', { name: 'Search in the log' }).fill('listens')
  await expect(log.getByText('v1 listens').first()).toBeVisible()
})

test('what is filtered stands in the address, and survives a reload', async ({ page, shop }) => {
  await shop.serves('v1', 'v2')
  await page.goto(`applications/${shop.name}`)
  await settled(page)
  await page.getByRole('checkbox', { name: /disabled/ }).check()
  await expect(row(page, 'v001')).toHaveCount(0)
  await expect(page).toHaveURL(/status=disabled/)
  await row(page, 'v000').getByRole('button', { name: /^v000/ }).click()
  await expect(page).toHaveURL(/sg=/)
  await page.reload()
  await settled(page)
  await expect(page.getByRole('complementary', { name: 'Details' }).getByRole('heading', { name: shop.group(0) })).toBeVisible()
  await expect(row(page, 'v001')).toHaveCount(0)
  await page.getByRole('button', { name: 'Close details' }).click()
  await expect(page.getByRole('checkbox', { name: /disabled/ })).toBeChecked()
})

test('the load balancers of an application, with who is behind them', async ({ page, shop }) => {
  await shop.serves('v1')
  await page.goto(`applications/${shop.name}/network`)
  await settled(page)
  await expect(page.getByText(/127\.0\.0\.1:\d+/).first()).toBeVisible()
  await expect(page.getByText('v000').first()).toBeVisible()
})
