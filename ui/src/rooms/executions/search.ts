export const executionsSearch = (_: Record<string, unknown>): Record<string, never> => ({})
export const executionSearch = (_: Record<string, unknown>): Record<string, never> => ({})
export const compareSearch = (_: Record<string, unknown>): Record<string, never> => ({})
