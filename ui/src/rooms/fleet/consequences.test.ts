import { describe, expect, it } from 'vitest'
import { consequences, type Known } from './consequences'
import type { Row } from './model'
import { fits, moved, whyNot, type Action } from './operations'
import { row } from './testing'

const v1 = row({ name: 'shop-v001', version: 1, status: 'disabled' })
const v2 = row({ name: 'shop-v002', version: 2, up: 3, loadBalancers: ['lb'] })
const v3 = row({ name: 'shop-v003', version: 3, up: 1, loadBalancers: ['lb'] })

type Case = { name: string; action: Action; on: Row; known: Known; says: RegExp; left: number; danger: boolean; typed?: string }
const cases: Case[] = [
  { name: 'disable one of two', action: 'disable', on: v2, known: { cluster: [v1, v2, v3], share: 0.75 }, says: /75 % of the requests.*go to shop-v003 \(1 instance\)/, left: 1, danger: false },
  { name: 'disable without figures', action: 'disable', on: v2, known: { cluster: [v2, v3] }, says: /It has 3 instances in service/, left: 1, danger: false },
  { name: 'disable the last', action: 'disable', on: v2, known: { cluster: [v1, v2] }, says: /Nothing else .* requests will fail/, left: 0, danger: true, typed: 'shop-v002' },
  { name: 'destroy a disabled one', action: 'destroy', on: v1, known: { cluster: [v1, v2] }, says: /None of its instances.*cannot be undone.*no rolling back to it/, left: 3, danger: true },
  { name: 'destroy the last', action: 'destroy', on: v2, known: { cluster: [v2] }, says: /requests will fail.*nothing to roll back to/, left: 0, danger: true, typed: 'shop-v002' },
  { name: 'enable', action: 'enable', on: { ...v1, loadBalancers: ['lb'] }, known: { cluster: [{ ...v1, loadBalancers: ['lb'] }, v2] }, says: /2 instances get about 40 %/, left: 5, danger: false },
  { name: 'enable nothing', action: 'enable', on: { ...v1, instances: [] }, known: { cluster: [v2] }, says: /no instances/, left: 3, danger: false },
  { name: 'grow', action: 'resize', on: v2, known: { cluster: [v2], to: { min: 5, max: 5, desired: 5 } }, says: /2 instances more start/, left: 3, danger: false },
  { name: 'shrink', action: 'resize', on: v2, known: { cluster: [v2], to: { min: 1, max: 1, desired: 1 } }, says: /2 instances finish/, left: 1, danger: false },
  { name: 'shrink to nothing', action: 'resize', on: v2, known: { cluster: [v1, v2], to: { min: 0, max: 0, desired: 0 } }, says: /Nothing of .* requests will fail/, left: 0, danger: true, typed: 'shop-v002' },
  { name: 'shrink to nothing beside another', action: 'resize', on: v2, known: { cluster: [v2, v3], to: { min: 0, max: 0, desired: 0 } }, says: /3 instances finish/, left: 1, danger: false },
  { name: 'roll back', action: 'rollback', on: v2, known: { cluster: [v1, v2], restore: v1 }, says: /shop-v001 is enabled and grown from 2 to 3 instances.*shop-v002 is disabled/, left: 3, danger: false },
]

describe('consequences', () => {
  for (const c of cases)
    it(c.name, () => {
      const got = consequences(c.action, c.on, c.known)
      expect(got.says.join(' ')).toMatch(c.says)
      expect(got.left.instances).toBe(c.left)
      expect(got.danger).toBe(c.danger)
      expect(got.typed).toBe(c.typed)
    })
})

describe('operations', () => {
  const bad = [{ min: 2, desired: 1, max: 3 }, { min: 0, desired: 4, max: 3 }, { min: -1, desired: 0, max: 0 }, { min: 0, desired: 0.5, max: 1 }, { min: 0, desired: NaN, max: 1 }, { min: 0, desired: 0, max: 10_001 }]
  for (const c of bad) it(`refuses ${JSON.stringify(c)}`, () => expect(fits(c)).toBeTruthy())
  it('accepts what can be', () => expect(fits({ min: 0, desired: 2, max: 4 })).toBeUndefined())
  it('moves bounds only as far as needed', () => {
    expect(moved({ min: 2, desired: 2, max: 2 }, 4)).toEqual({ min: 4, desired: 4, max: 4 })
    expect(moved({ min: 1, desired: 2, max: 3 }, 5)).toEqual({ min: 1, desired: 5, max: 5 })
    expect(moved({ min: 1, desired: 2, max: 3 }, 0)).toEqual({ min: 0, desired: 0, max: 3 })
  })
  it('says why not', () => {
    expect(whyNot('enable', v2, [])).toBe('It is enabled.')
    expect(whyNot('disable', v1, [])).toBe('It is disabled.')
    expect(whyNot('rollback', v2, [v2])).toBe('The cluster has no other version.')
    expect(whyNot('rollback', v2, [v1, v2])).toBeUndefined()
    expect(whyNot('clone', { ...v2, cloudProvider: 'kubernetes' }, [])).toBeTruthy()
    expect(whyNot('destroy', { ...v2, status: 'destroying' }, [])).toBe('It is being destroyed.')
  })
})
