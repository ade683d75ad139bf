// People, as the server names them.

/** personOf returns who did something; undefined for somebody who did not sign in. */
export const personOf = (user: unknown): string | undefined => (typeof user !== 'string' || ['', 'anonymous', '[anonymous]'].includes(user) ? undefined : user)
