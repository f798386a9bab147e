import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

const END_WITH_PARENT = new URL('../../tools/simulator/demo/end-with-parent.mjs', import.meta.url).href
/** Linux reports CPU time in hundredths of a second. */
const TICKS_PER_SECOND = 100
const TASKSET = '/usr/bin/taskset'

/** Where a process runs: what is measured has a core of its own, everything else shares the others. */
export type Place = 'measured' | 'others'

export interface Worker {
  send: (message: object) => void
  /** User and system time so far, in seconds, of all threads. */
  cpuSeconds: () => number
  /** Rejects when the process ends before it is stopped. */
  failed: Promise<never>
  /** Resident memory in bytes. */
  residentBytes: () => number
  /** Open files, sockets among them. */
  openFiles: () => number
  pid: number | undefined
  stop: () => Promise<void>
  /** Ends it without warning (SIGKILL). */
  kill: () => Promise<void>
}

export interface WorkerOptions {
  args?: string[]
  nodeArgs?: string[]
  env?: Record<string, string>
  /** Without it the system decides. */
  place?: Place
  onMessage?: (message: object) => void
}

/** Starts a Node script as a process of its own, which never outlives this one. */
export function startWorker(script: string, { args = [], nodeArgs = [], env, place, onMessage }: WorkerOptions = {}): Worker {
  const command = placed(process.execPath, ['--import', END_WITH_PARENT, ...nodeArgs, script, ...args], place)
  const child = spawn(command.program, command.args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
  })
  child.on('message', message => typeof message === 'object' && message !== null && onMessage?.(message))
  return { ...supervise(child, script), send: message => void child.send(message) }
}

/** Starts any other program. */
export function startProgram(program: string, args: string[], place?: Place): Omit<Worker, 'send'> {
  const command = placed(program, args, place)
  const child = spawn(command.program, command.args, { stdio: 'ignore' })
  const kill = () => child.kill()
  process.once('exit', kill)
  return supervise(child, program)
}

/** `taskset` becomes the program it starts: the process id is that of the program. */
function placed(program: string, args: string[], place: Place | undefined) {
  const others = availableParallelism() - 1
  if (place === undefined || others < 1 || !existsSync(TASKSET)) return { program, args }
  return { program: TASKSET, args: ['-c', place === 'measured' ? '0' : `1-${others}`, program, ...args] }
}

function supervise(child: ChildProcess, name: string): Omit<Worker, 'send'> {
  let stopping = false
  const ended = once(child, 'exit')
  const failed = ended.then(([code, signal]): Promise<never> => {
    if (stopping) return new Promise(() => {})
    throw new Error(`${name} has ended: ${String(signal ?? `code ${code}`)}.`)
  })
  failed.catch(() => {})
  async function end(signal: NodeJS.Signals) {
    stopping = true
    child.kill(signal)
    await ended
  }
  return {
    failed,
    cpuSeconds: () => cpuSeconds(child.pid),
    residentBytes: () => residentBytes(child.pid),
    pid: child.pid,
    openFiles: () => readdirSync(`/proc/${child.pid}/fd`).length,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}

function cpuSeconds(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may hold anything; the fields behind it are numbered from three on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function residentBytes(pid: number | undefined): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kibibytes) * 1_024
}
