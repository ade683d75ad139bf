import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { expect, settled, test } from './fixtures'
import { release } from './living'
import { Flaky } from './service'
import { judgment, wait } from './shop'
import { done, running } from './world'

/** entry is the line of an execution in the list. */
const entry = (page: Page, pipeline: string) => page.getByRole('article', { name: new RegExp(`^${pipeline}, `) })

test('a judgment is answered where it is asked, and the rest runs', async ({ page, shop, world }) => {
  await shop.save('Ship', { stages: [wait('1', 0), judgment('2', ['1'], { judgmentInputs: [{ value: 'fast' }, { value: 'slow' }] }), wait('3', 0, ['2'])] })
  const id = await shop.run('Ship')
  await page.goto(`applications/${shop.name}/pipelines`)
  const box = page.getByRole('region', { name: 'Is it good?' })
  await expect(box.getByText('Look at the errors of the new version.')).toBeVisible()
  await box.getByRole('combobox', { name: 'Answer' }).selectOption('slow')
  await box.getByRole('button', { name: 'Continue' }).click()
  await expect(entry(page, 'Ship')).toHaveAccessibleName('Ship, succeeded')
  await expect(box).toBeHidden()
  const x = await world.execution(id)
  expect(x.stages.find((s) => s.type === 'manualJudgment')?.context).toMatchObject({ judgmentStatus: 'continue', judgmentInput: 'slow' })
})

test('a judgment stops what is not good', async ({ page, shop, world }) => {
  await shop.save('Ship', { stages: [judgment('1'), wait('2', 0, ['1'])] })
  const id = await shop.run('Ship')
  await page.goto(`applications/${shop.name}/pipelines`)
  await page.getByRole('region', { name: 'Is it good?' }).getByRole('button', { name: 'Stop' }).click()
  await expect(entry(page, 'Ship')).toHaveAccessibleName('Ship, failed')
  expect((await world.execution(id)).status).toBe('TERMINAL')
})

test('start a pipeline: what it asks for, what it insists on, and what depends', async ({ page, shop, world }) => {
  await release(shop)
  await page.goto(`applications/${shop.name}/pipelines`)
  await page.getByRole('button', { name: 'Start Release' }).click()
  const dialog = page.getByRole('dialog', { name: 'Start Release' })
  await expect(dialog.getByRole('textbox', { name: 'Ticket' })).toBeHidden()
  await dialog.getByRole('combobox', { name: 'Environment' }).selectOption('prod')
  await dialog.getByRole('textbox', { name: 'Ticket' }).fill('OPS-7')
  await dialog.getByRole('button', { name: 'Start', exact: true }).click()
  const version = dialog.getByRole('textbox', { name: 'Version' })
  await expect(version).toBeFocused()
  await expect(version).toHaveAttribute('aria-invalid', 'true')
  await version.fill('1.4.2')
  await dialog.getByRole('button', { name: 'Start', exact: true }).click()
  await expect(page).toHaveURL(/\/executions\/[0-9A-Z]{26}/)
  const id = /executions\/([0-9A-Z]{26})/.exec(page.url())![1]!
  const x = await world.execution(id, () => true)
  expect(x.trigger.parameters).toMatchObject({ version: '1.4.2', environment: 'prod', ticket: 'OPS-7' })
})

test('keyboard only: start, and judge', async ({ page, shop, world }) => {
  await shop.save('Ship', { stages: [judgment('1')] })
  await page.goto(`applications/${shop.name}`)
  await settled(page)
  await page.keyboard.press('g')
  await page.keyboard.press('p')
  await expect(page.getByRole('heading', { level: 1, name: 'Pipelines' })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Start Ship' })).toBeVisible()
  await page.keyboard.press('s')
  await expect(page.getByRole('dialog', { name: 'Start Ship' })).toBeVisible()
  await tabTo(page, 'Start')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/executions\//)
  await expect(page.getByRole('button', { name: 'Continue' })).toBeVisible()
  await tabTo(page, 'Continue')
  await page.keyboard.press('Enter')
  const id = /executions\/([0-9A-Z]{26})/.exec(page.url())![1]!
  await expect(page.getByText(/succeeded/i).first()).toBeVisible()
  expect((await world.execution(id)).status).toBe('SUCCEEDED')
})

/** tabTo goes on with Tab to a button, as far as people do. */
async function tabTo(page: Page, button: string) {
  const target = page.getByRole('button', { name: button, exact: true })
  for (let i = 0; i < 60; i++) {
    if (await target.evaluate((b) => b === document.activeElement)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`${button} cannot be reached with Tab`)
}

test('what failed says why, and is retried from there', async ({ page, shop, world }) => {
  const outside = await Flaky.start()
  await shop.save('Ship', {
    stages: [wait('1', 0, [], 'Prepare'), { refId: '2', requisiteStageRefIds: ['1'], type: 'webhook', name: 'Ask for approval', url: outside.url, method: 'POST' }, wait('3', 0, ['2'], 'Tell everybody')],
  })
  const id = await shop.run('Ship')
  await world.execution(id)
  await page.goto(`applications/${shop.name}/executions/${id}`)
  const why = page.getByRole('region', { name: 'Why it failed' })
  await expect(why).toContainText(/400|not approved/)
  await expect(why.getByRole('button', { name: 'Ask for approval', exact: true })).toBeVisible()
  outside.mend()
  await why.getByRole('button', { name: /Retry from “Ask for approval”/ }).click()
  await expect(why).toBeHidden()
  const x = await world.execution(id, (x) => x.status === 'SUCCEEDED')
  expect(x.stages.find((s) => s.name === 'Prepare')?.startTime).toBeLessThan(x.stages.find((s) => s.name === 'Ask for approval')!.startTime!)
  await expect(page).toHaveTitle(/succeeded/)
  outside.close()
})

test('cancel with a reason, which stays to be read', async ({ page, shop, world }) => {
  await shop.save('Ship', { stages: [wait('1', 600)] })
  const id = await shop.run('Ship')
  await page.goto(`applications/${shop.name}/executions/${id}`)
  await settled(page)
  await page.keyboard.press('c')
  const dialog = page.getByRole('dialog', { name: /Cancel/ })
  await dialog.getByRole('textbox').fill('The release was called off')
  await dialog.getByRole('button', { name: 'Cancel the execution' }).click()
  await expect(page.getByText('The release was called off')).toBeVisible()
  await expect(page).toHaveTitle(/canceled/)
  expect((await world.execution(id)).cancellationReason).toBe('The release was called off')
})

test('pause, resume, and skip the wait', async ({ page, shop, world }) => {
  await shop.save('Ship', { stages: [wait('1', 600, [], 'Watch'), wait('2', 0, ['1'], 'Tell everybody')] })
  const id = await shop.run('Ship')
  await world.execution(id, (x) => running(x, 'wait') !== undefined)
  await page.goto(`applications/${shop.name}/executions/${id}`)
  await page.getByRole('button', { name: 'Pause' }).click()
  await expect(page.getByText(/^It was paused/)).toBeVisible()
  expect((await world.execution(id, () => true)).status).toBe('PAUSED')
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.getByRole('region', { name: 'Stage Watch' }).getByRole('button', { name: 'Skip the wait' }).click()
  await expect(page).toHaveTitle(/^succeeded/)
  expect((await world.execution(id)).status).toBe('SUCCEEDED')
})

test('a stage is run again, and what is behind it', async ({ page, shop, world }) => {
  await shop.save('Ship', { stages: [wait('1', 0, [], 'Build'), wait('2', 0, ['1'], 'Test')] })
  const id = await shop.run('Ship')
  const before = await world.execution(id)
  await page.goto(`applications/${shop.name}/executions/${id}?stage=${before.stages.find((s) => s.name === 'Test')!.id}`)
  await page.getByRole('button', { name: /^Restart from here/ }).click()
  await page.getByRole('dialog', { name: /Restart from “Test”/ }).getByRole('button', { name: 'Restart' }).click()
  const began = (x: typeof before, name: string) => x.stages.find((s) => s.name === name)!.startTime!
  const after = await world.execution(id, (x) => done(x.status) && began(x, 'Test') > began(before, 'Test'))
  expect(began(after, 'Build')).toBe(began(before, 'Build'))
})

test('run again with other parameters', async ({ page, shop, world }) => {
  await shop.save('Ship', { parameterConfig: [{ name: 'version', label: 'Version', required: true }, { name: 'region', label: 'Region' }], stages: [wait('1', 0)] })
  const id = await shop.run('Ship', { version: '1.0', region: 'north' })
  await world.execution(id)
  await page.goto(`applications/${shop.name}/executions/${id}`)
  await page.getByRole('button', { name: 'Run again' }).click()
  const dialog = page.getByRole('dialog', { name: 'Run Ship again' })
  await expect(dialog.getByRole('textbox', { name: 'Region' })).toHaveValue('north')
  await dialog.getByRole('textbox', { name: 'Version' }).fill('1.1')
  await dialog.getByRole('button', { name: 'Start', exact: true }).click()
  await expect(page).toHaveURL((url) => url.pathname.includes('/executions/') && !url.pathname.includes(id))
  const again = await world.execution(/executions\/([0-9A-Z]{26})/.exec(page.url())![1]!)
  expect(again.trigger.parameters).toMatchObject({ version: '1.1', region: 'north' })
})

test('what a job writes is read while it runs, to the last word', async ({ page, shop, world }) => {
  const go = path.join(world.dir, `${shop.name}.go`)
  await shop.save('Migrate', { stages: [{ refId: '1', type: 'runJob', name: 'Migrate', cloudProvider: 'local', account: 'local', credentials: 'local', script: `echo moving; until [ -e ${go} ]; do sleep 0.1; done; printf moved` }] })
  const id = await shop.run('Migrate')
  await page.goto(`applications/${shop.name}/executions/${id}`)
  await page.getByRole('tab', { name: 'Log' }).click()
  await expect(page).toHaveURL(/tab=log/)
  const log = page.getByRole('log', { name: 'Log' })
  await expect(log.getByText('moving')).toBeVisible()
  await expect(page.getByText('Following · 1 line')).toBeVisible()
  await writeFile(go, '')
  await expect(log.getByText('moved', { exact: true })).toBeVisible()
  await expect(page.getByText('Ended · 2 lines')).toBeVisible()
  expect((await world.execution(id)).status).toBe('SUCCEEDED')
})

test('two executions are compared', async ({ page, shop, world }) => {
  await shop.save('Ship', { parameterConfig: [{ name: 'version' }], stages: [wait('1', 0, [], 'Build')] })
  const [a, b] = [await shop.run('Ship', { version: '1.0' }), await shop.run('Ship', { version: '1.1' })]
  await Promise.all([world.execution(a), world.execution(b)])
  await page.goto(`applications/${shop.name}/executions/${a}/compare/${b}`)
  const began = page.getByRole('region', { name: 'What they began with' }).getByRole('row', { name: 'version' })
  await expect(began.getByRole('cell')).toHaveText(['1.0', '1.1'])
  await page.getByRole('checkbox', { name: 'Show what is equal too' }).check()
  await expect(page).toHaveURL(/all=true/)
  await expect(page.getByText('Build', { exact: true }).first()).toBeVisible()
})

test('filters of executions stand in the address, and survive a reload', async ({ page, shop, world }) => {
  await shop.save('Good', { stages: [wait('1', 0)] })
  await shop.save('Bad', { stages: [{ refId: '1', requisiteStageRefIds: [], type: 'checkPreconditions', name: 'Look', preconditions: [{ type: 'expression', failPipeline: true, context: { expression: '${ false }' } }] }] })
  await Promise.all((await Promise.all([shop.run('Good'), shop.run('Bad')])).map((id) => world.execution(id)))
  await page.goto(`applications/${shop.name}/pipelines`)
  await expect(entry(page, 'Good')).toBeVisible()
  await page.getByRole('group', { name: 'Status' }).getByRole('button', { name: /^Failed/ }).click()
  await expect(entry(page, 'Good')).toBeHidden()
  await expect(page).toHaveURL(/status=failed/)
  await page.reload()
  await expect(entry(page, 'Bad')).toBeVisible()
  await expect(entry(page, 'Good')).toBeHidden()
})

test('an execution that was deleted says so, and the rest of the application is there', async ({ page, shop, world, trouble }) => {
  await shop.save('Ship', { stages: [wait('1', 0)] })
  const id = await shop.run('Ship')
  await world.execution(id)
  trouble.announce(new RegExp(`404.*${id}`))
  await page.goto(`applications/${shop.name}/executions/${id}`)
  await settled(page)
  await world.ask('DELETE', `/pipelines/${id}`)
  await expect(page.getByText('This does not exist any more.')).toBeVisible()
  await page.getByRole('navigation', { name: shop.name }).getByRole('link', { name: 'Pipelines' }).click()
  await expect(page.getByRole('button', { name: 'Start Ship' })).toBeVisible()
})

test('reconnect: the server is killed while a pipeline runs; nothing is lost, and the page is live again', async ({ page, shop, world, trouble }) => {
  trouble.announce(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/)
  await shop.save('Ship', { stages: [wait('1', 0, [], 'Build'), judgment('2', ['1'])] })
  const id = await shop.run('Ship')
  await world.execution(id, (x) => running(x, 'manualJudgment') !== undefined)
  await page.goto(`applications/${shop.name}/pipelines`)
  const box = page.getByRole('region', { name: 'Is it good?' })
  await expect(box).toBeVisible()
  await world.kill('SIGKILL')
  const banner = page.getByText('The server does not answer.').first()
  await expect(banner).toBeVisible()
  await expect(entry(page, 'Ship'), 'what was known stays').toBeVisible()
  await world.up()
  await expect(banner).toBeHidden()
  await box.getByRole('button', { name: 'Continue' }).click()
  await expect(entry(page, 'Ship')).toHaveAccessibleName('Ship, succeeded')
})
