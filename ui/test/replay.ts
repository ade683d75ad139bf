// A server in front of another, whose stream of events is the test's.
import { once } from 'node:events'
import http from 'node:http'
import type net from 'node:net'

export class Replay {
  private reader: http.ServerResponse | undefined
  private last = 0

  private constructor(private readonly server: http.Server) {}

  static async start(behind: string): Promise<Replay> {
    const server = http.createServer((req, res) => {
      if (req.url === '/api/v1/events') return replay.follow(res)
      const { host: _, ...headers } = req.headers
      req.pipe(
        http.request(behind + req.url, { method: req.method, headers }, (answer) => {
          res.writeHead(answer.statusCode ?? 502, answer.headers)
          answer.pipe(res)
        }),
      )
    })
    const replay = new Replay(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return replay
  }

  get url() {
    return `http://127.0.0.1:${(this.server.address() as net.AddressInfo).port}`
  }

  private follow(res: http.ServerResponse) {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write(`id: ${this.last}\n\n`)
    this.reader = res
  }

  /** send sends an event, when the page has read enough of those before. */
  async send(event: { type: string } & Record<string, unknown>) {
    if (!this.reader) throw new Error('nobody reads the events')
    const id = ++this.last
    if (!this.reader.write(`id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify({ id, ...event })}\n\n`)) await once(this.reader, 'drain')
  }

  close() {
    this.server.closeAllConnections()
    this.server.close()
  }
}
