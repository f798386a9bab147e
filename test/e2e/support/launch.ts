// The built server as a process of its own; without a test runner, for what runs outside one.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HealthSchema } from '#shared/schemas/health'
import type { Health } from '#shared/schemas/health'
import { until } from './until'

export const ENTRY = '.output/server/index.mjs'
/** Should we be killed, it stops itself. */
const END_WITH_PARENT = new URL('../../../tools/simulator/demo/end-with-parent.mjs', import.meta.url).href

export interface App {
  url: string
  port: number
  output: () => string
  get: (path: string) => Promise<unknown>
  health: () => Promise<Health>
  /** Resolves when `/api/health` reports this broker code. */
  untilBroker: (code: Health['broker']['code']) => Promise<Health>
  /** Ends the server; resolves with its exit code. */
  stop: (signal?: NodeJS.Signals) => Promise<number | null>
  memoryBytes: () => number
  process: ChildProcess
}

export type Env = Record<string, string>

/** Every server started so far, with what it said and what only it knows. */
export const launched: { env: Env, output: () => string, adminKeys: Set<string> }[] = []

/** Starts the built server on a free port of this machine, with an embedded broker on a free port unless told otherwise. */
export async function launchApp(env: Env = {}, port = 0): Promise<App> {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-data-'))
  const child = spawn(process.execPath, ['--import', END_WITH_PARENT, ENTRY], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env.PATH, NODE_ENV: 'production', NUXT_MQTT_EMBEDDED_PORT: '0', NUXT_DATA_DIR: folder, ...env, PORT: String(port) },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => { output += String(chunk) })
  const adminKeys = new Set<string>()
  launched.push({ env, output: () => output, adminKeys })
  const exited = once(child, 'exit').then(([code]) => {
    rmSync(folder, { recursive: true, force: true })
    return Number(code)
  })

  const url = await until(() => {
    if (child.exitCode !== null) throw new Error(`The server ended at start:\n${output}`)
    return /Listening on (http:\/\/\S+)/.exec(output)?.[1]
  }, 'the server to listen')

  async function health() {
    return HealthSchema.parse(await (await fetch(`${url}/api/health`)).json())
  }
  return {
    url,
    port: Number(new URL(url).port),
    process: child,
    output: () => output,
    get: async path => (await fetch(url + path)).json(),
    health,
    untilBroker: code => until(async () => {
      const now = await health()
      return now.broker.code === code ? now : undefined
    }, `the broker code ${code}`),
    async stop(signal = 'SIGTERM') {
      noteAdminKey(env.NUXT_DATA_DIR ?? folder, adminKeys)
      child.kill(signal)
      return exited
    },
    memoryBytes: () => residentBytes(child.pid),
  }
}

/** It goes with the server. */
function noteAdminKey(folder: string, keys: Set<string>) {
  const file = join(folder, 'admin.key')
  if (existsSync(file)) keys.add(readFileSync(file, 'utf8').trim())
}

function residentBytes(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024
}
