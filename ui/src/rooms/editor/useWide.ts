import { useSyncExternalStore } from 'react'

/** Below this many pixels the parts of the editor are tabs. */
const query = '(min-width: 1100px)'

const listen = (f: () => void) => {
  const media = matchMedia(query)
  media.addEventListener('change', f)
  return () => media.removeEventListener('change', f)
}

/** useWide reports whether there is room for the parts side by side. */
export const useWide = () => useSyncExternalStore(listen, () => matchMedia(query).matches)
