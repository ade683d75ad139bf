import { expect, test } from 'vitest'
import { readInstructions } from './instructions'

const written = (source: string) =>
  readInstructions(source).map((b) => `${b.kind}: ${b.pieces.map((p) => (p.kind === 'text' ? p.text : p.kind === 'link' ? `[${p.text}→${p.href}]` : `<${p.kind} ${p.text}>`)).join('')}`)

test.each([
  ['Look at it.', ['p: Look at it.']],
  ['# Check\n\n- the **errors**\n- the *latency* of `v4`', ['p: Check', 'li: the <strong errors>', 'li: the <em latency> of <code v4>']],
  ['1. first\n2) second', ['li: first', 'li: second']],
  ['See https://example.com/a?b=1.', ['p: See [https://example.com/a?b=1→https://example.com/a?b=1].']],
  ['[graphs](https://example.com)', ['p: [graphs→https://example.com]']],
  ['[no](javascript:alert(1)) [x](data:text/html,x)', ['p: no (javascript:alert(1)) x (data:text/html,x)']],
  ['<p>One</p><p>Two<br>three</p>', ['p: One', 'p: Two', 'p: three']],
  ['<ul><li>a</li><li><b>b</b></li></ul>', ['li: a', 'li: <strong b>']],
  ['<a href="https://example.com" onclick="x()">here</a>', ['p: [here→https://example.com]']],
  ['a<script>alert(1)</script>b<script src=x', ['p: ab']],
  ['<img src=x onerror=alert(1)>text', ['p: text']],
  ['2 * 3 * 4 and a < b &amp; c', ['p: 2 * 3 * 4 and a < b & c']],
  ['&lt;script&gt;', ['p: <script>']],
  ['', []],
])('%j', (source, want) => {
  expect(written(source)).toEqual(want)
})

test('no link leads elsewhere than to the web, whatever is written', () => {
  for (const scheme of ['javascript:', 'JaVaScRiPt:', 'data:', 'vbscript:', 'file:///', '//evil/', '']) {
    for (const form of [`[x](${scheme}y)`, `<a href='${scheme}y'>x</a>`, `<a href=${scheme}y>x</a>`])
      for (const b of readInstructions(form)) for (const p of b.pieces) if (p.kind === 'link') expect(p.href).toMatch(/^https?:\/\//i)
  }
})
