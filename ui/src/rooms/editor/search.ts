export const editorSearch = (_: Record<string, unknown>): Record<string, never> => ({})
export const historySearch = (_: Record<string, unknown>): Record<string, never> => ({})
