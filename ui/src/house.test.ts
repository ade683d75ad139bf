// The rules of the pages' sources that a compiler does not hold.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { views } from '../test/pages'

const root = path.resolve(import.meta.dirname, '..')

type File = { name: string; text: string }

/** files returns the sources below a directory, named from the root. */
function files(dir: string, ending = /\.(tsx?|css)$/): File[] {
  return readdirSync(path.join(root, dir), { recursive: true, encoding: 'utf8' })
    .map((f) => path.join(dir, f))
    .filter((f) => ending.test(f) && !f.endsWith('schema.d.ts'))
    .map((name) => ({ name, text: readFileSync(path.join(root, name), 'utf8') }))
}

const sources = files('src')
const scripts = sources.filter((f) => /\.tsx?$/.test(f.name))
const tests = /\.test\.tsx?$/

/** layer is the part of the program that a file belongs to, as "kit" or "rooms/fleet". */
function layer(name: string): string {
  const [, first = '', second = ''] = name.split(path.sep)
  return first === 'rooms' ? `rooms/${second}` : first.includes('.') ? 'main' : first
}

/** may says whether one layer may know another: api ← kit ← rooms ← app; rooms do not know each other. */
function may(from: string, to: string): boolean {
  if (from === to || from === 'main' || from === 'app') return true
  if (from === 'kit') return to === 'api'
  return from.startsWith('rooms/') && (to === 'api' || to === 'kit')
}

/** imports returns which files of ours a file names. */
function imports(f: File): string[] {
  return [...f.text.matchAll(/(?:from|import)\s*\(?\s*'((?:~|\.)[^']*)'/g)].map(([, to]) =>
    to!.startsWith('~/') ? path.join('src', to!.slice(2)) : path.join(path.dirname(f.name), to!),
  )
}

/** found returns where a text has what it should not have, as file:line. */
function found(files: File[], what: RegExp): string[] {
  return files.flatMap((f) => f.text.split('\n').flatMap((line, i) => (what.test(line) ? [`${f.name}:${i + 1}: ${line.trim()}`] : [])))
}

describe('house', () => {
  test.each([
    ['api', 'kit', false],
    ['kit', 'api', true],
    ['kit', 'rooms/fleet', false],
    ['rooms/fleet', 'kit', true],
    ['rooms/fleet', 'rooms/editor', false],
    ['rooms/fleet', 'app', false],
    ['app', 'rooms/fleet', true],
  ])('%s may know %s: %s', (from, to, want) => expect(may(from, to)).toBe(want))

  test('layers: api ← kit ← rooms ← app', () => {
    const wrong = scripts.filter((f) => !tests.test(f.name)).flatMap((f) =>
      imports(f).filter((to) => to.startsWith('src') && !may(layer(f.name), layer(to))).map((to) => `${f.name} knows ${to}`),
    )
    expect(wrong).toEqual([])
    expect(scripts.flatMap(imports).length).toBeGreaterThan(100)
  })

  test('a file has at most 400 lines', () => {
    const long = [...sources, ...files('test')].map((f) => ({ name: f.name, lines: f.text.split('\n').length - 1 })).filter((f) => f.lines > 400)
    expect(long).toEqual([])
  })

  test('colours are tokens', () => {
    const free = ['src/kit/tokens.css', 'src/kit/page.tsx']
    expect(found(sources.filter((f) => !free.includes(f.name) && !tests.test(f.name)), /#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})\b(?!')|\b(?:rgb|hsl)a?\(/i)).toEqual([])
  })

  test('no any, and nothing silenced', () => {
    const self = 'src/house.test.ts'
    expect(found([...scripts, ...files('test')].filter((f) => f.name !== self), /(?::|<|\bas|\|) ?any\b(?! \w)|@ts-(?:ignore|nocheck|expect-error)|eslint-disable|\bTODO\b|\bFIXME\b/)).toEqual([])
  })

  test('one clock: no timer that goes on', () => {
    expect(found(scripts.filter((f) => f.name !== 'src/kit/time.tsx' && !tests.test(f.name)), /\bsetInterval\(/)).toEqual([])
  })

  test('nothing is asked of other sites', () => {
    const fine = /https?:\/\/(?:localhost|127\.0\.0\.1|www\.w3\.org\/2000\/svg|[\w.-]*example(?:\.com|\.org)?)/
    const wrong = found(scripts.concat(files('src', /\.css$/)), /https?:\/\//).filter((line) => !fine.test(line) && !tests.test(line.split(':')[0]!))
    expect(wrong.filter((line) => /fetch|import|src=|url\(/.test(line))).toEqual([])
  })

  test('no test is left out, and none is alone', () => {
    expect(found([...scripts.filter((f) => tests.test(f.name) && f.name !== 'src/house.test.ts'), ...files('test')], /\b(?:test|it|describe)\.(?:only|skip|fixme|todo)\b/)).toEqual([])
  })

  test('every page of the router is tried and photographed', () => {
    const text = readFileSync(path.join(root, 'src/app/router.tsx'), 'utf8')
    const routes = new Map<string, { parent: string; path: string; page: boolean }>()
    for (const [, name, body] of text.matchAll(/const (\w+) = createRoute\(\{([\s\S]*?)\n?\}\)$/gm)) {
      const parent = /getParentRoute: \(\) => (\w+)/.exec(body!)?.[1] ?? ''
      const own = /path: '([^']*)'/.exec(body!)?.[1] ?? ''
      routes.set(name!, { parent, path: own, page: body!.includes('import(') })
    }
    const full = (name: string): string => {
      const r = routes.get(name)
      return r ? `${full(r.parent)}/${r.path}`.replace(/\/+/g, '/') : ''
    }
    const pages = [...routes].filter(([, r]) => r.page).map(([name]) => full(name).replace(/(.)\/$/, '$1'))
    expect(pages.length).toBeGreaterThan(10)
    expect([...new Set(views.map((v) => v.route))].sort()).toEqual(pages.sort())
  })
})
