// What URLs say, read with care: what is unknown is dropped.

/** text returns a text that is not empty, of at most 500 characters; numbers are what a router made of digits. */
export const text = (v: unknown): string | undefined => (typeof v === 'string' || typeof v === 'number' ? String(v).slice(0, 500) || undefined : undefined)

/** pick returns v if it is one of all. */
export const pick = <T extends string>(all: readonly T[], v: unknown): T | undefined => all.find((x) => x === v)
