// A document as text: JSON, or YAML, which says the same. Where the values stand
// in it, too. It is loaded with the text pane only.
import { jsonLanguage } from '@codemirror/lang-json'
import { isMap, isScalar, isSeq, parseDocument, stringify, type Node, type Pair } from 'yaml'
import { isObject, type Doc, type Json } from './document'
import type { Path } from './path'

export type Format = 'json' | 'yaml'

/** print writes a document. */
export function print(doc: Json, format: Format): string {
  return format === 'json' ? `${JSON.stringify(doc, null, 2)}\n` : stringify(doc, { lineWidth: 0, aliasDuplicateObjects: false })
}

export type Parsed = { doc: Doc } | { error: string; offset: number }

/** parse reads one, or says what is wrong, and at which character. Pure. */
export function parse(text: string, format: Format): Parsed {
  const value = parseValue(text, format)
  if ('error' in value) return value
  return isObject(value.value) ? { doc: value.value } : { error: 'A pipeline is an object, with keys and values.', offset: 0 }
}

/** parseValue reads any value. Pure. */
export function parseValue(text: string, format: Format): { value: Json } | { error: string; offset: number } {
  if (format === 'json') {
    try {
      return { value: JSON.parse(text) as Json }
    } catch (e) {
      return { error: message(e), offset: brokenAt(text) }
    }
  }
  const doc = parseDocument(text)
  const [wrong] = doc.errors
  if (wrong) return { error: message(wrong), offset: wrong.pos[0] }
  try {
    // What JSON has no word for becomes what JSON has instead.
    return { value: JSON.parse(JSON.stringify(doc.toJS({ maxAliasCount: 100 }) ?? null)) as Json }
  } catch (e) {
    return { error: message(e), offset: 0 }
  }
}

const message = (e: unknown) =>
  String(e instanceof Error ? e.message : e)
    .split('\n')[0]!
    .replace(/ at (position \d+ \()?line \d+[ ,]+column \d+\)?:?$/, '')

/** brokenAt finds the first place where a text is no JSON. */
function brokenAt(text: string): number {
  let at = text.length
  jsonLanguage.parser.parse(text).iterate({
    enter: (n) => {
      if (n.type.isError) at = Math.min(at, n.from)
    },
  })
  return at
}

export type Range = { from: number; to: number }

/** Places knows where the values of a text stand; a text that is broken has those that could be read. */
export class Places {
  private readonly root: Node | null

  constructor(readonly text: string) {
    // YAML has all of JSON in it.
    this.root = parseDocument(text, { uniqueKeys: false }).contents as Node | null
  }

  /** of returns where a value stands; the key, or the value around it, of one that is not there. */
  of(path: Path): Range | undefined {
    let node: Node | null = this.root
    let nearest = rangeOf(node)
    if (path.length > 0 && nearest) nearest = { from: nearest.from, to: nearest.from }
    for (const key of path) {
      if (isMap(node)) {
        const pair: Pair | undefined = node.items.find((p) => keyOf(p) === String(key))
        if (!pair) return nearest
        nearest = rangeOf(pair.key as Node) ?? nearest
        node = pair.value as Node | null
      } else if (isSeq(node)) {
        node = (node.items[Number(key)] as Node | undefined) ?? null
        if (!node) return nearest
        nearest = firstOf(rangeOf(node)!)
      } else return nearest
    }
    return isScalar(node) || path.length === 0 ? rangeOf(node) : nearest
  }

  /** whole returns all of a value, however long it is. */
  whole(path: Path): Range | undefined {
    let node: Node | null = this.root
    for (const key of path) {
      const next: unknown = isMap(node) ? node.items.find((p) => keyOf(p) === String(key))?.value : isSeq(node) ? node.items[Number(key)] : undefined
      if (!next) return undefined
      node = next as Node
    }
    return rangeOf(node)
  }

  /** within returns where a text is wrong from a character on, if it is written as it is. */
  within(path: Path, offset: number): Range | undefined {
    const range = this.of(path)
    if (!range) return undefined
    const source = this.text.slice(range.from, range.to)
    if (offset <= 0 || /[\\\n]/.test(source)) return range
    const quote = /^["']/.test(source) ? 1 : 0
    const from = range.from + quote + offset
    return from < range.to ? { from, to: range.to - quote } : range
  }

  /** at returns the path of the innermost value around a character. */
  at(offset: number): (string | number)[] {
    const out: (string | number)[] = []
    for (let node = this.root; node; ) {
      if (isMap(node)) {
        const pair: Pair | undefined = node.items.findLast((p) => (rangeOf(p.key as Node | null)?.from ?? Infinity) <= offset && offset <= endOf(p))
        if (!pair) return out
        out.push(keyOf(pair))
        node = pair.value as Node | null
      } else if (isSeq(node)) {
        const i = node.items.findIndex((n) => {
          const r = rangeOf(n as Node)
          return r && r.from <= offset && offset <= r.to
        })
        if (i < 0) return out
        out.push(i)
        node = node.items[i] as Node
      } else return out
    }
    return out
  }
}

const keyOf = (p: Pair): string => String(isScalar(p.key) ? p.key.value : p.key)
const rangeOf = (n: Node | null | undefined): Range | undefined => (n?.range ? { from: n.range[0], to: n.range[1] } : undefined)
const firstOf = (r: Range): Range => ({ from: r.from, to: r.from + 1 })

function endOf(p: Pair): number {
  return rangeOf(p.value as Node | null)?.to ?? rangeOf(p.key as Node | null)?.to ?? -1
}
