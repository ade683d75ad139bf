// The services of the tests: small enough to start in a moment.
import { promises as fs } from 'node:fs'
import http from 'node:http'
import path from 'node:path'

/** What is deployed: it answers with its version, and says on its output what it was asked. */
const program = (version: string, healthy: boolean) => `#!${process.execPath}
const http = require('node:http')
const server = http.createServer((req, res) => {
  if (req.url === '/health') { res.statusCode = ${healthy ? 200 : 503}; res.end(); return }
  console.log(new Date().toISOString() + ' ${version} served ' + req.url)
  res.end('${version}')
})
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('${version} listens'))
process.on('SIGTERM', () => server.close(() => process.exit(0)))
`

/** artifact writes the program of a version, and returns its path. Versions that begin with "bad" are never healthy. */
export async function artifact(dir: string, version: string): Promise<string> {
  const file = path.join(dir, `service-${version}`)
  await fs.mkdir(dir, { recursive: true })
  await fs.writeFile(file, program(version, !version.startsWith('bad')), { mode: 0o755 })
  return file
}

/** Load asks a service all the time, and counts what was answered. */
export class Load {
  readonly versions = new Map<string, number>()
  lost = 0
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
  private readonly timer: NodeJS.Timeout

  constructor(
    private readonly port: number,
    perSecond = 40,
  ) {
    this.timer = setInterval(() => this.ask(), 1_000 / perSecond)
  }

  private ask() {
    const req = http.get({ port: this.port, host: '127.0.0.1', path: '/', agent: this.agent }, (res) => {
      let version = ''
      res.setEncoding('utf8')
      res.on('data', (s: string) => (version += s))
      res.on('end', () => {
        if (res.statusCode === 200) this.versions.set(version, (this.versions.get(version) ?? 0) + 1)
        else this.lost++
      })
    })
    req.on('error', () => this.lost++)
  }

  stop() {
    clearInterval(this.timer)
    this.agent.destroy()
  }
}

/** Flaky is a service outside, which answers 400 until it is mended. */
export class Flaky {
  private good = false
  private constructor(private readonly server: http.Server) {}

  static async start(): Promise<Flaky> {
    const server = http.createServer((_, res) => {
      res.statusCode = flaky.good ? 200 : 400
      res.setHeader('content-type', 'application/json')
      res.end(flaky.good ? '{"state":"done"}' : '{"error":"the change is not approved"}')
    })
    const flaky = new Flaky(server)
    await new Promise<void>((r) => server.listen(0, '127.0.0.1', r))
    return flaky
  }

  get url() {
    const at = this.server.address()
    if (at === null || typeof at === 'string') throw new Error('it does not listen')
    return `http://127.0.0.1:${at.port}/approve`
  }

  mend() {
    this.good = true
  }

  close() {
    this.server.close()
    this.server.closeAllConnections()
  }
}
