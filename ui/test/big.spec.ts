// Ten thousand instances: what nobody sees is not drawn, what changes is.
import path from 'node:path'
import { Cluster } from './cluster'
import { expect, settled, test } from './fixtures'

test('10,000 instances of 50 server groups: found, scrolled, and seen to change', async ({ page, world }) => {
  test.setTimeout(120_000)
  const cluster = await Cluster.start({ application: 'big', groups: 50, pods: 200 })
  await world.ask('PUT', '/api/v1/accounts/big', { name: 'big', kubeconfigFile: await cluster.kubeconfig(path.join(world.dir, 'big.yaml')) })
  await world.until<{ items: unknown[] }>('/api/v1/server-groups?application=big', ({ items }) => items.length === 50)
  await page.goto('applications/big')
  await settled(page)
  await expect(page.getByText(/10,000 of 10,000 instances/)).toBeVisible()
  const list = page.getByRole('region', { name: 'Server groups' })
  const filter = page.getByRole('searchbox', { name: 'Filter by text' })
  const strip = list.getByRole('button', { name: /^Instances of big-c0-v000: / })
  expect(await list.getByRole('listitem').count(), 'rows that are drawn').toBeLessThan(40)

  await filter.fill('big-c0-v000')
  await expect(strip).toHaveAccessibleName(/: 200 up$/)
  cluster.ready('big-c0-v000-007', false)
  await expect(strip).toHaveAccessibleName(/199 up.*1 (down|starting)/)
  cluster.ready('big-c0-v000-007', true)
  await expect(strip).toHaveAccessibleName(/: 200 up$/)
  await filter.fill('')

  // To the end and back: there is always something to see.
  for (let i = 0; i < 60; i++) {
    await list.evaluate((box, by) => box.scrollBy(0, by), i < 30 ? 400 : -400)
    expect(await list.getByRole('listitem').count()).toBeGreaterThan(0)
  }
  await list.evaluate((box) => (box.scrollTop = box.scrollHeight))
  await expect(list.getByRole('button', { name: /^Instances of big-c9-v004: / })).toBeInViewport()
  await world.ask('DELETE', '/api/v1/accounts/big')
  await expect(list).toBeHidden()
  cluster.close()
})
