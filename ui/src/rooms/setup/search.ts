export const accountSearch = (_: Record<string, unknown>): Record<string, never> => ({})
