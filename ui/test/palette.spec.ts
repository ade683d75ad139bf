import type { Page } from '@playwright/test'
import { expect, followed, settled, test } from './fixtures'
import { judgment, wait } from './shop'

/** ask opens the palette, and types. */
async function ask(page: Page, text: string) {
  await followed(page)
  await page.keyboard.press('Control+k')
  const palette = page.getByRole('dialog', { name: 'Command palette' })
  await expect(palette.getByRole('combobox')).toBeFocused()
  await page.keyboard.type(text)
  return palette
}

test('jump to an application, and to its tasks, by a few letters', async ({ page, shop }) => {
  await page.goto('health')
  const palette = await ask(page, shop.name)
  await expect(palette.getByRole('option', { name: shop.name }).first()).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(new RegExp(`/applications/${shop.name}$`))
  await expect(palette).toBeHidden()
  await ask(page, 'tasks')
  await expect(palette.getByRole('option', { selected: true })).toHaveText(new RegExp(`${shop.name}: tasks`, 'i'))
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(new RegExp(`/applications/${shop.name}/tasks`))
})

test('start a pipeline from the palette', async ({ page, shop, world }) => {
  await shop.save(`Ship ${shop.name}`, { stages: [wait('1', 0)] })
  await page.goto('health')
  const palette = await ask(page, `start ship ${shop.name}`)
  await expect(palette.getByRole('option', { selected: true })).toContainText(`Start Ship ${shop.name}`)
  await page.keyboard.press('Enter')
  await page.getByRole('dialog', { name: `Start Ship ${shop.name}` }).getByRole('button', { name: 'Start', exact: true }).click()
  await expect(page).toHaveURL(/\/executions\/[0-9A-Z]{26}/)
  const id = /executions\/([0-9A-Z]{26})/.exec(page.url())![1]!
  expect((await world.execution(id)).status).toBe('SUCCEEDED')
})

test('roll back a cluster from the palette', async ({ page, shop }) => {
  await shop.serves('v1', 'v2')
  await page.goto('health')
  const palette = await ask(page, `roll back ${shop.name}`)
  await expect(palette.getByRole('option', { selected: true })).toContainText(`Roll back ${shop.name}-prod`)
  await page.keyboard.press('Enter')
  await page.getByRole('dialog', { name: /Roll .* back from v001/ }).getByRole('button', { name: 'Roll back to v000' }).click()
  await expect(page.getByRole('button', { name: `Instances of ${shop.group(0)}: 2 up` })).toBeVisible()
})

test('an execution is found by its ID', async ({ page, shop, world }) => {
  await shop.save('Ship', { stages: [judgment('1')] })
  const id = await shop.run('Ship')
  await world.execution(id, (x) => x.status === 'RUNNING')
  await page.goto('health')
  const palette = await ask(page, id)
  await expect(palette.getByRole('option', { selected: true })).toContainText('Ship, running')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(new RegExp(`/executions/${id}`))
  await settled(page)
})
