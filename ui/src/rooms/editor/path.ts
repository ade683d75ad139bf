// Places in a document, as the server writes them: stages[0].clusters[1].account.

export type Path = readonly (string | number)[]

/** parsePath reads a place; "" is the whole document. Keys that need it are in quotes: a["b.c"]. Pure. */
export function parsePath(text: string): Path {
  const out: (string | number)[] = []
  for (const m of text.matchAll(/\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g)) {
    if (m[1] !== undefined) out.push(Number(m[1]))
    else if (m[2] !== undefined) out.push(m[2].replace(/\\(.)/g, '$1'))
    else if (m[3] !== undefined) out.push(m[3])
  }
  return out
}

/** writePath is its inverse. Pure. */
export function writePath(path: Path): string {
  return path.reduce<string>((at, key) => {
    if (typeof key === 'number') return `${at}[${key}]`
    if (/[.[\]"]/.test(key) || key === '') return `${at}[${JSON.stringify(key)}]`
    return at === '' ? key : `${at}.${key}`
  }, '')
}

/** isWithin reports whether path is at a place or below it. Pure. */
export function isWithin(path: Path, place: Path): boolean {
  return place.every((key, i) => String(path[i]) === String(key))
}
