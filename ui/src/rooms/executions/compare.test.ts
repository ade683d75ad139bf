import { describe, expect, test } from 'vitest'
import { compareArtifacts, compareParameters, compareStages, contextText } from './compare'
import { executionOf, stageOf } from './make'

const withParameters = (parameters: Record<string, unknown>) => executionOf([], { trigger: { parameters } })

test('parameters of both, and what differs', () => {
  expect(compareParameters(withParameters({ version: 'v3', size: 2, same: 'x' }), withParameters({ version: 'v4', same: 'x', more: true }))).toEqual([
    { name: 'version', left: 'v3', right: 'v4', differs: true },
    { name: 'size', left: '2', right: undefined, differs: true },
    { name: 'same', left: 'x', right: 'x', differs: false },
    { name: 'more', left: undefined, right: 'true', differs: true },
  ])
})

test('artifacts by type and name', () => {
  const x = (version: string) => executionOf([], { trigger: { artifacts: [{ type: 'docker/image', name: 'shop', version }] } })
  expect(compareArtifacts(x('1'), x('2'))).toEqual([{ name: 'docker/image shop', left: '1', right: '2', differs: true }])
  expect(compareArtifacts(executionOf([]), x('2'))).toEqual([{ name: 'docker/image shop', left: undefined, right: '2', differs: true }])
})

describe('stages', () => {
  test.each([
    ['the same', [stageOf('1')], [stageOf('1')], ['1=1 same']],
    ['another status', [stageOf('1')], [stageOf('1', { status: 'TERMINAL' })], ['1=1 differs']],
    ['another context', [stageOf('1', { context: { a: 1 } })], [stageOf('1', { context: { a: 2 } })], ['1=1 differs']],
    ['the order of names is no difference', [stageOf('1', { context: { a: 1, b: { c: 1, d: 2 } } })], [stageOf('1', { context: { b: { d: 2, c: 1 }, a: 1 } })], ['1=1 same']],
    ['one that was moved is found by its name', [stageOf('1', { name: 'Deploy' })], [stageOf('1', { name: 'Bake', type: 'bake' }), stageOf('2', { name: 'Deploy' })], ['1=2 same', '-=1 differs']],
    ['one that is gone', [stageOf('1'), stageOf('2')], [stageOf('2')], ['1=- differs', '2=2 same']],
    ['parts are compared too', [stageOf('1'), stageOf('1<1', { parentStageId: '1' })], [stageOf('1')], ['1=1 same', '1<1=- differs']],
  ])('%s', (_, left, right, want) => {
    expect(compareStages(executionOf(left), executionOf(right)).map((p) => `${p.left?.id ?? '-'}=${p.right?.id ?? '-'} ${p.differs ? 'differs' : 'same'}`)).toEqual(want)
  })

  test('a stage that is not there has no text', () => {
    expect(contextText(undefined)).toBe('')
  })
})
