export const fleetSearch = (_: Record<string, unknown>): Record<string, never> => ({})
export const networkSearch = (_: Record<string, unknown>): Record<string, never> => ({})
