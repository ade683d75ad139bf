// A world to look at: the real program with a data directory of its own.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, promises as fs } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { components } from '~/api/schema'

export type Execution = components['schemas']['Execution']
type Stage = components['schemas']['Stage']
export type Json = Record<string, unknown>

const binary = path.resolve(process.env.GENNAKER ?? path.join(import.meta.dirname, '../../bin/gennaker'))
const run = promisify(execFile)

/** How long anything of the server may take, in milliseconds, before a test gives up. */
const patience = 40_000

/** freePort returns a port of this machine on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** done says whether an execution, stage or task has ended. */
export const done = (status: string) => !['NOT_STARTED', 'BUFFERED', 'RUNNING', 'PAUSED', 'SUSPENDED'].includes(status)

/** World is a server with its node. It can be killed, and started again. */
export class World {
  private process: ChildProcess | undefined
  readonly url: string

  private constructor(
    readonly dir: string,
    private readonly listen: string,
  ) {
    this.url = `http://${listen}`
  }

  /** start starts a server with these settings, in a directory that close removes. */
  static async start(config: Json = {}): Promise<World> {
    const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'gennaker-ui-'))
    await fs.mkdir(path.join(dir, 'data'), { mode: 0o700 })
    // JSON is YAML.
    await fs.writeFile(path.join(dir, 'data', 'config.yaml'), JSON.stringify(config), { mode: 0o600 })
    const world = new World(dir, `127.0.0.1:${await freePort()}`)
    try {
      await world.up()
    } catch (e) {
      await world.close()
      throw e
    }
    return world
  }

  get data() {
    return path.join(this.dir, 'data')
  }

  get pid() {
    return this.process?.pid
  }

  /** up starts the server again, and returns when it is ready. */
  async up() {
    const child = spawn(binary, ['up', '--data', this.data, '--listen', this.listen], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.process = child
    child.stderr.pipe(createWriteStream(path.join(this.dir, 'server.log'), { flags: 'a' }))
    const ready = (async () => {
      for await (const line of createInterface(child.stdout)) if (line.includes('ready')) return
      throw new Error(`the server ended before it was ready:\n${await this.log()}`)
    })()
    await Promise.race([ready, once(child, 'error').then(([e]) => Promise.reject(e as Error))])
    child.stdout.resume()
  }

  /** log returns the end of what the server wrote. */
  async log(): Promise<string> {
    const text = await fs.readFile(path.join(this.dir, 'server.log'), 'utf8').catch(() => '')
    return text.split('\n').slice(-40).join('\n')
  }

  /** kill ends the server without a warning; what it deployed goes on. */
  async kill(signal: NodeJS.Signals = 'SIGKILL') {
    const child = this.process
    this.process = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  /** close stops the server, the node and all instances, and removes the files. */
  async close() {
    await this.kill('SIGTERM')
    await run(binary, ['node', 'stop', '--instances', '--data', this.data]).catch((e: Error & { stderr?: string }) => {
      // There is none if nothing local was ever asked for.
      if (!/no node|not run/i.test(e.stderr ?? '')) throw e
    })
    await run('chmod', ['-R', 'u+rwx', this.dir])
    await fs.rm(this.dir, { recursive: true, force: true })
  }

  /** ask sends a request, and returns what was answered; a refusal is an error. */
  async ask<T = Json>(method: string, route: string, body?: unknown): Promise<T> {
    const res = await fetch(this.url + route, {
      method,
      ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    const text = await res.text()
    if (!res.ok) throw new Error(`${method} ${route} answered ${res.status}: ${text}`)
    return (text === '' ? {} : JSON.parse(text)) as T
  }

  /** until asks again and again, until what is answered is as it should be. */
  async until<T>(route: string, is: (got: T) => boolean): Promise<T> {
    const end = Date.now() + patience
    for (;;) {
      const got = await this.ask<T>('GET', route)
      if (is(got)) return got
      if (Date.now() > end) throw new Error(`GET ${route} did not become as it should: ${JSON.stringify(got).slice(0, 2_000)}`)
      await new Promise((r) => setTimeout(r, 50))
    }
  }

  /** operate runs an operation, and waits for its success. */
  async operate(application: string, description: string, ...job: Json[]): Promise<void> {
    const { ref } = await this.ask<{ ref: string }>('POST', '/tasks', { application, description, job })
    const task = await this.until<{ status: string }>(ref, (t) => done(t.status))
    if (task.status !== 'SUCCEEDED') throw new Error(`${description} ended as ${task.status}: ${JSON.stringify(task).slice(0, 2_000)}`)
  }

  /** execution waits until one is as it should be; default: until it ended. */
  execution(id: string, is: (x: Execution) => boolean = (x) => done(x.status)): Promise<Execution> {
    return this.until<Execution>(`/pipelines/${id}`, is)
  }
}

/** running returns the running stage of a type. */
export const running = (x: Execution, type: string): Stage | undefined => x.stages?.find((s) => s.type === type && s.status === 'RUNNING')
