// Instructions as people write them: a little Markdown, or HTML from Deck. They
// become plain pieces that React draws, so that nothing in them can act. Pure.

export type Piece = { kind: 'text' | 'strong' | 'em' | 'code'; text: string } | { kind: 'link'; text: string; href: string }
export type Block = { kind: 'p' | 'li'; pieces: Piece[] }

const longest = 20_000

/** readInstructions reads a text into paragraphs and items. */
export function readInstructions(source: string): Block[] {
  return plain(source.slice(0, longest))
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => {
      const item = /^(?:[-*•]|\d+[.)])\s+(.*)$/.exec(line)
      return { kind: item ? 'li' : 'p', pieces: inline((item?.[1] ?? line).replace(/^#{1,6}\s+/, '')) }
    })
}

/** plain writes HTML as Markdown, and drops what it cannot. */
function plain(text: string): string {
  return text
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<(script|style|iframe)\b[\s\S]*?(<\/\1\s*>|$)/gi, '')
    .replace(/<a\s[^>]*href\s*=\s*["']?([^"'\s>]+)["']?[^>]*>([\s\S]*?)<\/a\s*>/gi, '[$2]($1)')
    .replace(/<(b|strong)\s*>([\s\S]*?)<\/\1\s*>/gi, '**$2**')
    .replace(/<(i|em)\s*>([\s\S]*?)<\/\1\s*>/gi, '*$2*')
    .replace(/<code\s*>([\s\S]*?)<\/code\s*>/gi, '`$1`')
    .replace(/<li\b[^>]*>/gi, '\n- ')
    .replace(/<(br|p|div|ul|ol|tr|h[1-6])\b[^>]*>|<\/(p|div|ul|ol|tr|h[1-6])\s*>/gi, '\n')
    .replace(/<\/?[a-z][^>]*>/gi, '')
    .replace(/&(lt|gt|quot|nbsp|#39|amp);/g, (_, name: string) => ({ lt: '<', gt: '>', quot: '"', nbsp: ' ', '#39': "'", amp: '&' })[name] ?? '')
}

const marks = /\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|`([^`]+)`|\[([^\]]+)\]\(([^)\s]+)\)|(https?:\/\/[^\s<>"')]+[^\s<>"').,;:!?])/g

function inline(line: string): Piece[] {
  const out: Piece[] = []
  let at = 0
  const text = (until: number) => {
    if (until > at) out.push({ kind: 'text', text: line.slice(at, until) })
  }
  for (const m of line.matchAll(marks)) {
    text(m.index)
    at = m.index + m[0].length
    const [, strong, em, code, label, target, bare] = m
    if (strong !== undefined) out.push({ kind: 'strong', text: strong })
    else if (em !== undefined) out.push({ kind: 'em', text: em })
    else if (code !== undefined) out.push({ kind: 'code', text: code })
    else if (bare !== undefined) out.push({ kind: 'link', text: bare, href: bare })
    else if (label !== undefined && target !== undefined) out.push(/^https?:\/\//i.test(target) ? { kind: 'link', text: label, href: target } : { kind: 'text', text: `${label} (${target})` })
  }
  text(line.length)
  return out
}
