import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

const END_WITH_PARENT = new URL('end-with-parent.mjs', import.meta.url).href
const KILL_AFTER_MS = 5_000

export interface Child {
  /** Resolves when the process has ended, with a few words on how: `code 1`, `SIGKILL`. Never rejects. */
  ended: Promise<ChildEnd>
  /** Asks it to end, insists after five seconds; resolves when it has. */
  stop: () => Promise<void>
}

export interface ChildEnd { ok: boolean, how: string }

export interface ChildOptions {
  cwd: string
  env: Record<string, string | undefined>
  onLine: (line: string) => void
}

/** Starts a Node script with this very Node; it never outlives this process. */
export function startChild(script: string, args: string[], { cwd, env, onLine }: ChildOptions): Child {
  const child = spawn(process.execPath, ['--import', END_WITH_PARENT, script, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', onLine)
  }
  const ended = endOf(child)
  return {
    ended,
    async stop() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
      await ended
      clearTimeout(timer)
    },
  }
}

function endOf(child: ChildProcess): Promise<ChildEnd> {
  return new Promise((resolve) => {
    child.once('error', error => resolve({ ok: false, how: error.message }))
    // Not `exit`: the last lines are still in the pipe then.
    child.once('close', (code, signal) => resolve({ ok: code === 0, how: signal ?? `code ${code}` }))
  })
}
