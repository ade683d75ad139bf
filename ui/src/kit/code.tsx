import { useState } from 'react'
import { Button } from './button'
import css from './code.module.css'

/** Json shows a value as text, which can be copied. */
export function Json({ value, label = 'JSON' }: { value: unknown; label?: string }) {
  return <Code text={JSON.stringify(value, null, 2) ?? 'undefined'} label={label} />
}

/** Code shows a text as it is. */
export function Code({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
    setTimeout(() => setCopied(false), 1_500)
  }
  return (
    <div className={css.code}>
      <Button small className={css.copy} onClick={() => void copy()}>
        {copied ? 'Copied' : 'Copy'}
      </Button>
      <pre tabIndex={0} aria-label={label} role="region">
        {text}
      </pre>
    </div>
  )
}

export type DiffLine = { kind: 'same' | 'add' | 'del'; text: string }

/** most lines that are compared one by one; what is longer is shown as replaced. */
const most = 4_000

/** diffLines compares two texts line by line: the longest common subsequence stays. Pure. */
export function diffLines(a: string, b: string): DiffLine[] {
  const x = a.split('\n')
  const y = b.split('\n')
  let head = 0
  while (head < x.length && head < y.length && x[head] === y[head]) head++
  let tail = 0
  while (tail < x.length - head && tail < y.length - head && x[x.length - 1 - tail] === y[y.length - 1 - tail]) tail++
  const same = (lines: string[]): DiffLine[] => lines.map((text) => ({ kind: 'same', text }))
  return [...same(x.slice(0, head)), ...middle(x.slice(head, x.length - tail), y.slice(head, y.length - tail)), ...same(tail > 0 ? x.slice(-tail) : [])]
}

function middle(x: string[], y: string[]): DiffLine[] {
  const del = (text: string): DiffLine => ({ kind: 'del', text })
  const add = (text: string): DiffLine => ({ kind: 'add', text })
  if (x.length * y.length > most * most) return [...x.map(del), ...y.map(add)]
  const width = y.length + 1
  const lengths = new Uint32Array((x.length + 1) * width)
  for (let i = x.length - 1; i >= 0; i--)
    for (let j = y.length - 1; j >= 0; j--)
      lengths[i * width + j] = x[i] === y[j] ? lengths[(i + 1) * width + j + 1]! + 1 : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!)
  const out: DiffLine[] = []
  let i = 0
  let j = 0
  while (i < x.length && j < y.length) {
    if (x[i] === y[j]) {
      out.push({ kind: 'same', text: x[i]! })
      i++
      j++
    } else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) out.push(del(x[i++]!))
    else out.push(add(y[j++]!))
  }
  return [...out, ...x.slice(i).map(del), ...y.slice(j).map(add)]
}

/** Diff shows what differs between two texts, with some lines around it. */
export function Diff({ before, after, around = 3, label = 'Differences' }: { before: string; after: string; around?: number; label?: string }) {
  const lines = diffLines(before, after)
  const near = lines.map((_, i) => lines.slice(Math.max(0, i - around), i + around + 1).some((l) => l.kind !== 'same'))
  if (!near.some(Boolean)) return <p className="muted">They are equal.</p>
  return (
    <div className={css.code}>
      <pre tabIndex={0} aria-label={label} role="region">
        {lines.map((l, i) =>
          near[i] ? (
            <div key={i} className={css[l.kind]}>
              {l.kind === 'add' ? '+ ' : l.kind === 'del' ? '− ' : '  '}
              {l.text}
            </div>
          ) : near[i - 1] ? (
            <div key={i} className={css.gap}>
              ⋯
            </div>
          ) : null,
        )}
      </pre>
    </div>
  )
}
