import type { Page } from '@playwright/test'
import { expect, test } from './fixtures'
import { type Shop, wait } from './shop'
import type { Json } from './world'

/** edit opens the editor of a pipeline. */
async function edit(page: Page, shop: Shop, id: string, search = '') {
  await page.goto(`applications/${shop.name}/pipelines/${id}${search}`)
  await expect(text(page)).toBeVisible()
}

const text = (page: Page) => page.getByRole('textbox', { name: /^Pipeline as (JSON|YAML)$/ })
const node = (page: Page, name: string | RegExp) => page.getByRole('region', { name: 'Stages' }).or(page.getByLabel('Stages')).getByRole('button', { name })
const name = (page: Page) => page.getByRole('region', { name: 'Form' }).getByLabel('Name')

/** write replaces the text. */
async function write(page: Page, what: string) {
  await text(page).click()
  await expect(text(page)).toBeEditable()
  await text(page).click()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText(what)
}

/** stored is the pipeline as the server has it. */
const stored = async (shop: Shop, id: string) => {
  const all = await shop.world.ask<({ id: string; stages: { name: string; waitTime?: number }[] } & Json)[]>('GET', `/applications/${shop.name}/pipelineConfigs`)
  return all.find((p) => p.id === id)!
}

const two = { stages: [wait('1', 5, [], 'Build'), wait('2', 5, ['1'], 'Test')] }

test('what is changed in the form is in the text and in the graph, and back; then it is saved', async ({ page, shop }) => {
  const id = await shop.save('Ship', two)
  await edit(page, shop, id)
  await node(page, /^Build/).click()
  await name(page).fill('Compile')
  await expect(text(page)).toContainText('"name": "Compile"')
  await expect(node(page, /^Compile/)).toBeVisible()
  const doc = await stored(shop, id)
  doc.stages[0]!.name = 'Assemble'
  await write(page, JSON.stringify(doc, null, 2))
  await node(page, /^Assemble/).click()
  await expect(name(page)).toHaveValue('Assemble')
  await page.keyboard.press('Control+s')
  await expect(page.getByRole('status').getByText(/^Ship is saved/)).toBeVisible()
  expect((await stored(shop, id)).stages.map((s) => s.name)).toEqual(['Assemble', 'Test'])
})

test('a new pipeline is made: a stage is found by its name, connected, and saved', async ({ page, shop, world }) => {
  await page.goto(`applications/${shop.name}/pipelines/new`)
  await expect(page.getByRole('region', { name: 'Form' })).toBeVisible()
  await name(page).fill('First')
  await page.getByRole('button', { name: 'Add a stage' }).click()
  await page.getByRole('combobox', { name: 'Find a stage type' }).fill('wait')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/stage=/)
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(page).toHaveURL((url) => !url.pathname.endsWith('/new'))
  const all = await world.ask<{ name: string; stages: { type: string }[] }[]>('GET', `/applications/${shop.name}/pipelineConfigs`)
  expect(all.map((p) => [p.name, p.stages.map((s) => s.type)])).toEqual([['First', ['wait']]])
})

test('the same as YAML', async ({ page, shop }) => {
  const id = await shop.save('Ship', two)
  await edit(page, shop, id)
  await page.getByRole('group', { name: 'Format' }).getByRole('button', { name: 'YAML' }).click()
  await expect(page).toHaveURL(/format=yaml/)
  await expect(text(page)).toContainText('name: Build')
  await write(page, `id: ${id}\nname: Ship\napplication: ${shop.name}\nstages:\n  - refId: "1"\n    type: wait\n    name: Rest\n    waitTime: 7\n    requisiteStageRefIds: []\n`)
  await expect(node(page, /^Rest/)).toBeVisible()
  await page.keyboard.press('Control+s')
  await expect(page.getByRole('status').getByText(/^Ship is saved/)).toBeVisible()
  expect((await stored(shop, id)).stages).toMatchObject([{ name: 'Rest', waitTime: 7 }])
})

test('a text that cannot be read says where, and nothing is lost', async ({ page, shop }) => {
  const id = await shop.save('Ship', two)
  await edit(page, shop, id)
  await write(page, '{\n  "name": "Ship",\n  "stages": [}\n')
  await expect(page.getByText(/^Line 3, column \d+/)).toBeVisible()
  await expect(page.getByRole('button', { name: 'Save', exact: true })).toBeDisabled()
  await expect(node(page, /^Build/)).toBeVisible()
})

test('lint as one types: on the stage, in the list, and where it stands', async ({ page, shop }) => {
  const id = await shop.save('Ship', two)
  await edit(page, shop, id, '?panel=problems')
  await expect(page.getByText('Nothing is wrong with it')).toBeVisible()
  const doc = await stored(shop, id)
  Object.assign(doc.stages[1]!, { requisiteStageRefIds: ['nowhere'] })
  await write(page, JSON.stringify(doc, null, 2))
  const problem = page.getByRole('region', { name: 'Panel' }).getByRole('button', { name: /nowhere/ })
  await expect(problem).toBeVisible()
  await expect(node(page, /^Test.*(problem|error)/)).toBeVisible()
  await problem.click()
  await expect(page).toHaveURL(/stage=/)
  await expect(name(page)).toHaveValue('Test')
})

test('two people save: nobody is overwritten unasked', async ({ page, shop, world, trouble }) => {
  trouble.announce(/409/)
  const id = await shop.save('Ship', two)
  await edit(page, shop, id)
  await node(page, /^Build/).click()
  await name(page).fill('Mine')
  const theirs = await stored(shop, id)
  theirs.stages[1]!.name = 'Theirs'
  await world.ask('POST', '/pipelines', theirs)
  await expect(page.getByText(/saved this pipeline while you changed it/)).toBeVisible()
  await page.keyboard.press('Control+s')
  const dialog = page.getByRole('dialog', { name: 'Somebody else saved this pipeline' })
  await expect(dialog.getByRole('region', { name: 'Theirs and yours' })).toContainText('Theirs')
  expect((await stored(shop, id)).stages.map((s) => s.name)).toEqual(['Build', 'Theirs'])
  await dialog.getByRole('button', { name: 'Keep mine, replace theirs' }).click()
  await expect(dialog).toBeHidden()
  await expect.poll(async () => (await stored(shop, id)).stages.map((s) => s.name)).toEqual(['Mine', 'Test'])
})

test('a draft survives a reload, and is gone when it is discarded', async ({ page, shop }) => {
  const id = await shop.save('Ship', two)
  await edit(page, shop, id)
  await node(page, /^Build/).click()
  await name(page).fill('Half done')
  await expect(page.getByText('Changed, not saved')).toBeVisible()
  await page.reload()
  await expect(page.getByText('and did not save is here again')).toBeVisible()
  await expect(name(page)).toHaveValue('Half done')
  await page.getByRole('button', { name: 'Discard', exact: true }).click()
  await expect(name(page)).toHaveValue('Build')
  await page.reload()
  await expect(name(page)).toHaveValue('Build')
  await expect(page.getByText('is here again')).toBeHidden()
})

test('history: what differs between two saves, and back to the first', async ({ page, shop, world }) => {
  const id = await shop.save('Ship', two)
  const doc = await stored(shop, id)
  doc.stages[0]!.name = 'Compile'
  await world.ask('POST', '/pipelines', doc)
  await page.goto(`applications/${shop.name}/pipelines/${id}/history`)
  const diff = page.getByRole('region', { name: /^From revision/ })
  await expect(diff).toContainText('− ')
  await expect(diff).toContainText('"name": "Compile"')
  await page.getByRole('button', { name: 'Restore revision 1' }).click()
  await page.getByRole('dialog', { name: 'Restore revision 1?' }).getByRole('button', { name: 'Restore' }).click()
  await expect(page.getByRole('radio', { name: 'Compare revision 3' })).toBeVisible()
  expect((await stored(shop, id)).stages[0]!.name).toBe('Build')
})

test('a plan says what a run would do, before it is run', async ({ page, shop, world }) => {
  const id = await shop.save('Ship', { parameterConfig: [{ name: 'to', label: 'To', default: 'test' }], stages: [wait('1', 5, [], 'Build'), { ...wait('2', 5, ['1'], 'Warn'), stageEnabled: { type: 'expression', expression: "parameters.to == 'prod'" } }] })
  await edit(page, shop, id)
  await page.getByRole('button', { name: 'Plan', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'What a run of Ship would do' })
  await dialog.getByRole('button', { name: 'Plan', exact: true }).click()
  const plan = dialog.getByRole('region', { name: 'The plan' })
  await expect(plan.getByRole('listitem').filter({ hasText: 'Warn' })).toContainText('skipped')
  await dialog.getByLabel('To').fill('prod')
  await dialog.getByRole('button', { name: 'Plan again' }).click()
  await expect(plan.getByRole('listitem').filter({ hasText: 'Warn' })).toContainText('succeeded')
  expect((await world.ask<{ items: unknown[] }>('GET', `/api/v1/executions?application=${shop.name}`)).items, 'nothing was run').toEqual([])
})

test('an expression is tried on a run of the past', async ({ page, shop, world }) => {
  const id = await shop.save('Ship', { parameterConfig: [{ name: 'version' }], ...two, stages: [wait('1', 0, [], 'Build')] })
  await world.execution(await shop.run('Ship', { version: '1.4.2' }))
  await edit(page, shop, id, '?panel=expressions')
  const panel = page.getByRole('region', { name: 'Panel' })
  await expect(panel.getByRole('button', { name: /parameters/ }).first()).toBeVisible()
  await panel.getByRole('textbox', { name: 'Try an expression' }).fill('${ parameters.version.toUpperCase() + "!" }')
  await panel.getByRole('button', { name: 'Evaluate' }).click()
  await expect(panel.getByRole('region', { name: 'Value' })).toHaveText('"1.4.2!"')
  await panel.getByRole('textbox', { name: 'Try an expression' }).fill('${ nothing.here }')
  await panel.getByRole('button', { name: 'Evaluate' }).click()
  await expect(panel.getByText(/^At character/)).toBeVisible()
})
