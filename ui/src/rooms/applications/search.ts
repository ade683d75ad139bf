export const applicationsSearch = (_: Record<string, unknown>): Record<string, never> => ({})
