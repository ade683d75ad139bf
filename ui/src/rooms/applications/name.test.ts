import { expect, test } from 'vitest'
import { dashNote, nameProblem } from './name'

test.each([
  ['', [], undefined],
  ['shop', ['local', 'kubernetes'], undefined],
  ['my_app.x', ['local'], undefined],
  ['my app', ['local'], /may only hold/],
  ['a'.repeat(251), ['local'], /at most 250/],
  ['a'.repeat(64), ['kubernetes'], /at most 63/],
  ['my_app', ['local', 'kubernetes'], /In Kubernetes/],
  ['1shop', ['kubernetes'], /begins with a letter/],
  ['Taken', ['local'], /There is an application/],
])('nameProblem of %o with %o', (name, providers, want) => {
  const got = nameProblem(name, providers, (n) => n === 'taken')
  if (want) expect(got).toMatch(want)
  else expect(got).toBeUndefined()
})

test('dashNote warns of dashes on this machine', () => {
  expect(dashNote('shop', ['local'])).toBeUndefined()
  expect(dashNote('shop-web', ['kubernetes'])).toBeUndefined()
  expect(dashNote('shop-web', ['local'])).toMatch(/taken for “shop”/)
})
