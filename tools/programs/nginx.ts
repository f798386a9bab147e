// Runs an nginx with deploy/cluster/nginx.conf, other addresses put in, for tests and benches.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findProgram } from './find.ts'
import { freePort } from './free-port.ts'

const CONFIGURATION = new URL('../../deploy/cluster/nginx.conf', import.meta.url)
/** Where Debian keeps what its nginx has not built in. */
const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so'
const START_MS = 10_000
const POLL_MS = 20
/** Nobody listens there: for a test without brokers. */
const NOBODY = '127.0.0.1:9'

export interface NginxSites {
  /** Ports of the replicas on 127.0.0.1, as many as there are. */
  replicas: readonly number[]
  /** Ports of the brokers on 127.0.0.1, for devices and for the application alike; none: nobody answers there. */
  brokers?: readonly number[]
}

export interface RunningNginx {
  /** Of HTTP. */
  port: number
  /** `http://127.0.0.1:4711` */
  url: string
  /** TCP ports that lead to the brokers. */
  devicesPort: number
  applicationPort: number
  /** What it has written to its log so far. */
  log: () => string
  /** Ends it with all its connections, and deletes what it has written. */
  stop: () => Promise<void>
}

/** Undefined: this machine has none, or one without TCP (in Debian the package libnginx-mod-stream). */
export function findNginx(): string | undefined {
  const program = findProgram('nginx')
  return program && (existsSync(STREAM_MODULE) || builtIn(program)) ? program : undefined
}

/** Starts one with the very file of the cluster. @throws when there is none on this machine, or the configuration is refused. */
export async function startNginx(sites: NginxSites): Promise<RunningNginx> {
  const program = findNginx()
  if (!program) throw new Error('There is no nginx with its stream module on this machine.')
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-nginx-'))
  const [port, devicesPort, applicationPort, ownPort] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const file = join(folder, 'nginx.conf')
  const ports = { 8080: port, 8081: ownPort, 8883: devicesPort, 8885: applicationPort }
  writeFileSync(file, renderNginx(readFileSync(CONFIGURATION, 'utf8'), { ...sites, ports, folder, head: headFor(program) }))
  const child = spawn(program, ['-c', file, '-e', 'stderr', '-p', folder], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit')
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { log += text })
  const kill = () => child.kill()
  process.once('exit', kill)

  async function stop() {
    process.off('exit', kill)
    child.kill()
    await ended
    rmSync(folder, { recursive: true, force: true })
  }

  for (const end = performance.now() + START_MS; !await answers(ownPort);) {
    if (child.exitCode === null && performance.now() < end) continue
    await stop()
    throw new Error(`nginx has not started: ${log}`)
  }
  return { port, url: `http://127.0.0.1:${port}`, devicesPort, applicationPort, log: () => log, stop }
}

interface Rendering extends NginxSites {
  /** Port in the file -> port on 127.0.0.1. */
  ports: Record<number, number>
  /** In place of /tmp. */
  folder: string
  /** What stands before everything else. */
  head: string
}

/** The configuration with other addresses. @throws when the file has not what is to be replaced. */
export function renderNginx(text: string, { replicas, brokers = [], ports, folder, head }: Rendering): string {
  const servers = (places: readonly string[], policy: string) => places.map(place => `server ${place} ${policy};`).join('\n        ')
  const local = (list: readonly number[]) => list.length > 0 ? list.map(port => `127.0.0.1:${port}`) : [NOBODY]
  let result = text
  function put(pattern: RegExp, by: string | ((...found: string[]) => string)) {
    if (!pattern.test(result)) throw new Error(`deploy/cluster/nginx.conf has no ${String(pattern)}.`)
    result = result.replace(pattern, (...found: string[]) => typeof by === 'string' ? by : by(...found))
  }
  put(/(?:server leitstand-\d+:3000 ([^;]*);\s*)+/g, (_all, policy = '') => `${servers(local(replicas), policy)}\n    `)
  put(/(?:server emqx-\d+:\d+ ([^;]*);\s*)+/g, (_all, policy = '') => `${servers(local(brokers), policy)}\n    `)
  put(/\blisten (?:127\.0\.0\.1:)?(\d+)/g, (all, port = '') => all.replace(/\S+$/, `127.0.0.1:${ports[Number(port)]}`))
  put(/\/tmp\//g, `${folder}/`)
  return `${head}${result}`
}

/** What this machine's nginx needs besides: Debian's loads its stream module, and as root its workers would not be let into the folder. */
function headFor(program: string): string {
  return `${process.getuid?.() === 0 ? 'user root;\n' : ''}${builtIn(program) ? '' : `load_module ${STREAM_MODULE};\n`}`
}

function builtIn(program: string): boolean {
  return / --with-stream(?: |$)/m.test(spawnSync(program, ['-V'], { encoding: 'utf8' }).stderr)
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isThere = await Promise.race([once(socket, 'connect').then(() => true, () => false), sleep(START_MS, false, { ref: false })])
  socket.destroy()
  if (!isThere) await sleep(POLL_MS)
  return isThere
}
