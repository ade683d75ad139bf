import { expect, followed, test } from './fixtures'

test('the ? sheet says what keys do here, and g h goes to health', async ({ page }) => {
  await page.goto('')
  await followed(page)
  await page.keyboard.press('?')
  const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
  await expect(sheet.getByText('Command palette')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(sheet).toBeHidden()
  await page.keyboard.press('g')
  await page.keyboard.press('h')
  await expect(page).toHaveURL(/\/ui\/health/)
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
})

test('the theme that is chosen stays, in high contrast too', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.goto('')
  const theme = page.locator('html')
  await expect(theme).toHaveAttribute('data-theme', 'dark')
  for (const [name, value] of [
    ['Light', 'light'],
    ['High contrast', 'contrast'],
  ] as const) {
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name }).click()
    await expect(theme).toHaveAttribute('data-theme', value)
    await page.reload()
    await expect(theme).toHaveAttribute('data-theme', value)
  }
  await page.getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name: 'Theme of the system' }).click()
  await expect(theme).toHaveAttribute('data-theme', 'dark')
  await page.emulateMedia({ colorScheme: 'light' })
  await expect(theme).toHaveAttribute('data-theme', 'light')
})

test('an address that is none says so, and leads back', async ({ page }) => {
  await page.goto('nothing/here')
  await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible()
  await page.getByRole('link', { name: 'All applications' }).click()
  await expect(page).toHaveURL(/\/ui\/$/)
})

test('the server is killed: the page says so, and is live again by itself', async ({ page, world, trouble }) => {
  trouble.announce(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/)
  await page.goto('')
  await followed(page)
  await world.kill('SIGKILL')
  const banner = page.getByText('The server does not answer.').first()
  await expect(banner).toBeVisible()
  await world.up()
  await followed(page)
  await expect(banner).toBeHidden()
})
