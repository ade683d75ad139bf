import { createContext, useContext, useEffect, useRef, useSyncExternalStore, type ReactNode } from 'react'
import { Feed, type Link, type ServerEvent } from './events'

const Context = createContext<Feed | null>(null)

export function FeedProvider({ feed, children }: { feed: Feed; children: ReactNode }) {
  return <Context value={feed}>{children}</Context>
}

function useFeed(): Feed {
  const feed = useContext(Context)
  if (!feed) throw new Error('there is no FeedProvider')
  return feed
}

/** useLink returns how it stands with the stream of events. */
export function useLink(): Link {
  const feed = useFeed()
  return useSyncExternalStore(feed.onLink, () => feed.link)
}

/** useEvents calls f with each event while the component is there. */
export function useEvents(f: (e: ServerEvent) => void) {
  const feed = useFeed()
  const current = useRef(f)
  useEffect(() => {
    current.current = f
  })
  useEffect(() => feed.listen((e) => current.current(e)), [feed])
}
