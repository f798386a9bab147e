import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

const END_WITH_PARENT = new URL('../../tools/simulator/demo/end-with-parent.ts', import.meta.url).href
/** Linux reports CPU time in hundredths of a second. */
const TICKS_PER_SECOND = 100

export interface Worker {
  send: (message: object) => void
  /** User and system time so far, in seconds, of all threads. */
  cpuSeconds: () => number
  /** Rejects when the process ends before it is stopped. */
  failed: Promise<never>
  stop: () => Promise<void>
}

export interface WorkerOptions {
  args?: string[]
  nodeArgs?: string[]
  env?: Record<string, string>
  onMessage?: (message: object) => void
}

/** Starts a Node script as a process of its own, which never outlives this one. */
export function startWorker(script: string, { args = [], nodeArgs = [], env, onMessage }: WorkerOptions = {}): Worker {
  const child = spawn(process.execPath, ['--import', END_WITH_PARENT, ...nodeArgs, script, ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
  })
  child.on('message', message => typeof message === 'object' && message !== null && onMessage?.(message))
  const { failed, stop } = supervise(child, script)
  return {
    failed,
    stop,
    send: message => void child.send(message),
    cpuSeconds: () => cpuSeconds(child.pid),
  }
}

/** Starts any other program. */
export function startProgram(program: string, args: string[]): Pick<Worker, 'failed' | 'stop' | 'cpuSeconds'> {
  const child = spawn(program, args, { stdio: 'ignore' })
  const kill = () => child.kill()
  process.once('exit', kill)
  const { failed, stop } = supervise(child, program)
  return { failed, stop, cpuSeconds: () => cpuSeconds(child.pid) }
}

function supervise(child: ChildProcess, name: string) {
  let stopping = false
  const ended = once(child, 'exit')
  const failed = ended.then(([code, signal]): Promise<never> => {
    if (stopping) return new Promise(() => {})
    throw new Error(`${name} has ended: ${String(signal ?? `code ${code}`)}.`)
  })
  failed.catch(() => {})
  return {
    failed,
    async stop() {
      stopping = true
      child.kill('SIGTERM')
      await ended
    },
  }
}

function cpuSeconds(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may hold anything; the fields behind it are numbered from three on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}
