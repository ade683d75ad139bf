import path from 'node:path'
import { writeKubeconfig } from './cluster'
import { expect, settled, test } from './fixtures'
import { World } from './world'

test('first visit: the demo is loaded, its traffic is seen, and its deployment judged', async ({ page }) => {
  test.setTimeout(180_000)
  const world = await World.start()
  try {
    await page.goto(`${world.url}/ui/`)
    await expect(page.getByRole('heading', { level: 1, name: 'Getting started' })).toBeVisible()
    for (const step of ['A place to deploy to', 'An application', 'A pipeline, and a run of it']) await expect(page.getByRole('heading', { name: step })).toBeVisible()
    await page.getByRole('button', { name: 'Load the demo' }).click()
    await expect(page.getByText('running', { exact: true }).first()).toBeVisible({ timeout: 120_000 })
    await expect(page.getByRole('list', { name: 'Requests by server group' }).getByRole('listitem').first()).toBeVisible()
    // Asked at each of the two steps.
    for (const share of [50, 100]) {
      await page.goto(`${world.url}/ui/applications/demo`)
      await expect(page.getByRole('img', { name: /^Measured share of requests/ })).toBeVisible()
      await page.getByRole('link', { name: /judge/ }).click({ timeout: 60_000 })
      const box = page.getByRole('region', { name: `Is ${share} % good?`, exact: true })
      await box.getByRole('button', { name: 'Continue' }).click({ timeout: 60_000 })
      await expect(box).toBeHidden()
    }
    await page.goto(`${world.url}/ui/applications/demo`)
    await expect(page.getByRole('img', { name: /^Measured share of requests.* 100 %/ })).toBeVisible({ timeout: 60_000 })
    expect((await world.ask<{ lost: number }>('GET', '/api/v1/demo')).lost, 'requests lost').toBe(0)
  } finally {
    await page.close()
    await world.close()
  }
})

test('a new application is made, found, and described', async ({ page, shop, world }) => {
  const name = `new${shop.name}`
  await page.goto('?new=true')
  const dialog = page.getByRole('dialog', { name: /application/i })
  await dialog.getByRole('textbox', { name: /^Name/ }).fill(name)
  await dialog.getByRole('textbox', { name: /email/i }).fill('captain@example.com')
  await dialog.getByRole('button', { name: /Create|Make/ }).click()
  await expect(page).toHaveURL(new RegExp(`/applications/${name}`))
  await page.goto('')
  await page.getByRole('searchbox', { name: 'Search applications' }).fill(name.slice(0, -1))
  await expect(page.getByRole('region', { name: 'Applications' }).getByRole('listitem')).toHaveCount(1)
  await expect(page).toHaveURL(/q=/)
  await page.reload()
  await expect(page.getByRole('region', { name: 'Applications' }).getByRole('listitem')).toHaveCount(1)
  await page.getByRole('searchbox', { name: 'Search applications' }).press('Enter')
  await expect(page).toHaveURL(new RegExp(`/applications/${name}$`))
  expect(await world.ask('GET', `/applications/${name}`)).toMatchObject({ attributes: { email: 'captain@example.com' } })
})

test('a cluster that does not answer: its account says why, and what to do', async ({ page, world, shop }) => {
  const name = `quiet-${shop.name}`
  const kubeconfigFile = path.join(world.dir, `${name}.yaml`)
  await writeKubeconfig(kubeconfigFile, 'https://127.0.0.1:1')
  await world.ask('PUT', `/api/v1/accounts/${name}`, { name, kubeconfigFile })
  await page.goto('accounts')
  await page.getByRole('button', { name }).or(page.getByRole('link', { name })).first().click()
  await expect(page).toHaveURL(new RegExp(`account=${name}`))
  const details = page.getByRole('complementary', { name: 'Details' })
  await expect(details.getByText('not connected')).toBeVisible()
  await details.getByRole('button', { name: 'Check' }).click()
  await expect(details.getByText('It cannot be used as it is.')).toBeVisible()
  await expect(details.getByText('Nothing listens at https://127.0.0.1:1').first()).toBeVisible()
  await page.goto('health')
  await settled(page)
  await expect(page.getByRole('status').filter({ hasText: name })).toBeVisible()
  await world.ask('DELETE', `/api/v1/accounts/${name}`)
})

test('the health of the server, in figures that are true', async ({ page, world }) => {
  await page.goto('health')
  await settled(page)
  await expect(page.getByText(String(world.pid), { exact: true })).toBeVisible()
  await expect(page.getByText(world.data, { exact: true })).toBeVisible()
  for (const card of ['Server', 'Work', 'Node of this machine', 'Accounts']) await expect(page.getByRole('heading', { name: card })).toBeVisible()
})
