import { useCallback, useState } from 'react'

/** useWidth returns the width of an element in pixels, and the ref that measures it. */
export function useWidth(first: number): [number, (e: HTMLElement | null) => void | (() => void)] {
  const [width, setWidth] = useState(first)
  const ref = useCallback((e: HTMLElement | null) => {
    if (!e) return
    const seen = new ResizeObserver(([entry]) => entry && setWidth(Math.round(entry.contentRect.width)))
    seen.observe(e)
    return () => seen.disconnect()
  }, [])
  return [width, ref]
}
