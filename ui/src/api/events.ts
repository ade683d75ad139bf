// What changes, as the server tells it: one stream for all tabs of a browser,
// which goes on where it was after an interruption.
import { createParser } from 'eventsource-parser'

/** ServerEvent says that something changed; who wants to know more asks. Source: event.go. */
export type ServerEvent = {
  id: number
  type: 'execution' | 'serverGroup' | 'loadBalancer' | 'document' | 'account' | 'traffic' | 'reset'
  at?: number
  application?: string
  execution?: string
  stage?: string
  task?: string
  status?: string
  name?: string
  kind?: string
  account?: string
  region?: string
  /** Of type traffic: what load balancers counted since they were made. */
  traffic?: TrafficSample[]
}

export type TrafficSample = {
  loadBalancer: string
  account: string
  region: string
  serverGroup: string
  requests: number
  errors: number
  inFlight: number
  latencyMs: number
  weight: number
  inService: number
}

/** Link is how it stands with the stream. */
export type Link = 'connecting' | 'live' | 'lost'

type Listener = (e: ServerEvent) => void

const url = '/api/v1/events'
/** The server says every three seconds that it is still there. */
const silence = 5_000
const channelName = 'gennaker-events'

/** Message is what the tab that reads tells the others; place is where the stream is then. */
type Message = { event: ServerEvent; place: string } | { link: Link; place: string }

/** Backoff until the next attempt, in milliseconds; a restarted server is back within a second. */
export function backoff(attempt: number): number {
  return Math.min(250 * 2 ** attempt, 5_000)
}

/** Feed tells what changes to those who listen. */
export class Feed {
  private listeners = new Set<Listener>()
  private linkListeners = new Set<() => void>()
  private state: Link = 'connecting'
  private last = ''
  private stop = new AbortController()

  constructor(
    private readonly open: (url: string, init: RequestInit) => Promise<Response> = (u, i) => fetch(u, i),
    private readonly shared: boolean = typeof navigator !== 'undefined' && 'locks' in navigator && typeof BroadcastChannel !== 'undefined',
  ) {}

  get link() {
    return this.state
  }

  listen(f: Listener): () => void {
    this.listeners.add(f)
    return () => this.listeners.delete(f)
  }

  onLink = (f: () => void): (() => void) => {
    this.linkListeners.add(f)
    return () => this.linkListeners.delete(f)
  }

  /** start begins to follow. Of several tabs one reads, and tells the others. */
  start() {
    if (!this.shared) {
      void this.follow(() => {})
      return
    }
    const channel = new BroadcastChannel(channelName)
    let leads = false
    channel.onmessage = (m: MessageEvent<Message | 'hello'>) => {
      if (m.data === 'hello') {
        if (leads) channel.postMessage({ link: this.state, place: this.last } satisfies Message)
        return
      }
      this.last = m.data.place
      if ('link' in m.data) this.become(m.data.link)
      else this.tell(m.data.event)
    }
    channel.postMessage('hello')
    void navigator.locks.request(channelName, { signal: this.stop.signal }, async () => {
      leads = true
      await this.follow((m) => channel.postMessage(m))
    }).catch(() => {})
  }

  close() {
    this.stop.abort()
  }

  private become(link: Link) {
    if (link === this.state) return
    this.state = link
    for (const f of this.linkListeners) f()
  }

  private tell(e: ServerEvent) {
    for (const f of this.listeners) f(e)
  }

  /** follow reads the stream until the end of the page; it comes back whenever it is cut off. */
  private async follow(share: (m: Message) => void) {
    const became = (link: Link) => {
      this.become(link)
      share({ link, place: this.last })
    }
    for (let attempt = 0; !this.stop.signal.aborted; attempt++) {
      const cut = new AbortController()
      const end = AbortSignal.any([this.stop.signal, cut.signal])
      let timer = 0
      const alive = () => {
        clearTimeout(timer)
        timer = setTimeout(() => cut.abort(), silence) as unknown as number
      }
      try {
        alive()
        const res = await this.open(url, { headers: this.last ? { 'Last-Event-ID': this.last } : {}, signal: end, cache: 'no-store' })
        if (!res.ok || !res.body) throw new Error(`answered ${res.status}`)
        const parser = createParser({
          onEvent: ({ id, data }) => {
            if (id) this.last = id
            const event = JSON.parse(data) as ServerEvent
            this.tell(event)
            share({ event, place: this.last })
          },
        })
        const text = res.body.pipeThrough(new TextDecoderStream()).getReader()
        for (let first = true; ; first = false) {
          const { done, value } = await text.read()
          if (done) break
          alive()
          if (first) {
            // It begins with its place, so that who is cut off before the first event comes back to it.
            this.last = /^id: (\S+)$/m.exec(value)?.[1] ?? this.last
            attempt = 0
            became('live')
          }
          parser.feed(value)
        }
      } catch {
        // Whatever it was: the stream is tried again.
      }
      clearTimeout(timer)
      if (this.stop.signal.aborted) return
      became('lost')
      await new Promise((r) => setTimeout(r, backoff(attempt)))
    }
  }
}
