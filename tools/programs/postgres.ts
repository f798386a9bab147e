// Runs a PostgreSQL of its own in a folder of its own, for tests and benches.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from './find.ts'
import { freePort } from './free-port.ts'

/** Debian keeps the programs of each version in a folder that no PATH names. */
const DEBIAN = '/usr/lib/postgresql'
export const POSTGRES_PASSWORD = 'kept-by-nobody'

export interface RunningPostgres {
  port: number
  /** With user and password; the database is `postgres`. */
  url: string
  /** Of the process that starts all others. */
  pid: () => number | undefined
  /** Starts it again after `stop`, with the same data. */
  start: () => Promise<void>
  stop: (signal?: NodeJS.Signals) => Promise<void>
  /** Stops it and deletes everything. */
  remove: () => Promise<void>
}

/** The folder with `initdb` and `postgres`; undefined: this machine has none. */
export function findPostgres(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)).map(version => join(DEBIAN, version, 'bin')) : []
  const onPath = findProgram('initdb')
  return [...versions, ...onPath ? [join(onPath, '..')] : []].find(folder => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

/** `settings` as on its command line. @throws when there is none on this machine. */
export async function startPostgres(settings: Record<string, string> = {}): Promise<RunningPostgres> {
  const programs = findPostgres()
  if (!programs) throw new Error('There is no PostgreSQL on this machine.')
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {}
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-postgres-'))
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, POSTGRES_PASSWORD)
  for (const path of [folder, passwordFile]) if (user.uid !== undefined) chownSync(path, user.uid, user.gid)
  const data = join(folder, 'data')
  execFileSync(join(programs, 'initdb'), ['-D', data, '-U', 'leitstand', '-E', 'UTF8', '--locale=C', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync'], { ...user, cwd: folder, stdio: 'ignore' })
  const port = await freePort()
  const given = { port: String(port), listen_addresses: '127.0.0.1', unix_socket_directories: '', ...settings }
  const args = ['-D', data, ...Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  let end: ((signal: NodeJS.Signals) => void) | undefined
  let ended: Promise<unknown> | undefined
  let pid: number | undefined

  async function start() {
    const child = spawn(join(programs ?? '', 'postgres'), args, { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    ended = once(child, 'exit')
    pid = child.pid
    end = signal => child.kill(signal)
    let said = ''
    for await (const text of child.stderr.iterator({ destroyOnReturn: false })) {
      said += text
      if (said.includes('ready to accept connections')) {
        child.stderr.resume()
        return
      }
    }
    throw new Error(`PostgreSQL has not started: ${said}`)
  }

  async function stop(signal: NodeJS.Signals = 'SIGINT') {
    end?.(signal)
    await ended
  }

  await start()
  return {
    port,
    url: `postgres://leitstand:${POSTGRES_PASSWORD}@127.0.0.1:${port}/postgres`,
    pid: () => pid,
    start,
    stop,
    async remove() {
      await stop()
      rmSync(folder, { recursive: true })
    },
  }
}

function idOf(which: '-u' | '-g'): number {
  return Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' }))
}
