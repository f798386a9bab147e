import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HealthSchema } from '#shared/schemas/health'
import type { Health } from '#shared/schemas/health'
import { onTestFinished } from 'vitest'
import { ENTRY } from './build'
import { until } from './until'

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

/** Starts the built server on a free port of this machine, with an embedded broker on a free port unless told otherwise. */
export async function launchApp(env: Env = {}, port = 0): Promise<App> {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-data-'))
  const child = spawn(process.execPath, [ENTRY], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, NODE_ENV: 'production', NUXT_MQTT_EMBEDDED_PORT: '0', NUXT_DATA_DIR: folder, ...env, PORT: String(port) },
  })
  let output = ''
  child.stdout.on('data', (chunk) => { output += chunk })
  child.stderr.on('data', (chunk) => { output += chunk })
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
      child.kill(signal)
      return exited
    },
    memoryBytes: () => residentBytes(child.pid),
  }
}

/** {@link launchApp}, stopped when the test ends. */
export async function startApp(env: Env = {}, port = 0): Promise<App> {
  const app = await launchApp(env, port)
  onTestFinished(async () => {
    if (app.process.exitCode === null && app.process.signalCode === null) await app.stop('SIGKILL')
  })
  return app
}

function residentBytes(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024
}
