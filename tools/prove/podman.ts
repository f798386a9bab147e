// Runs podman with everything it writes below one folder, so that nothing on the machine is touched or found by it.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** As little as every container may have: the defaults are more than a machine without privileges allows. */
const ULIMITS = ['--ulimit', 'nproc=1024:1024']

const TIMEOUT_MS = 30_000

export interface Podman {
  /** @throws PodmanFault with what podman says. */
  run: (args: readonly string[]) => string
  /** Whether the command succeeds, in half a minute at most: podman may wait for ever for a container that begins anew. */
  succeeds: (args: readonly string[]) => boolean
  /** Starts a container in the background. @throws PodmanFault */
  start: (args: readonly string[], maxFiles?: number) => void
  /** What a container has written. */
  log: (container: string) => string
}

export class PodmanFault extends Error {}

/** What this machine allows one process, which may be less than a file asks for. */
function mostFiles(): number {
  const [, hard] = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  return Number(hard ?? 1024)
}

/** `storage` is where tools/prove/images.sh has made the images. */
export function createPodman(storage: string): Podman {
  const global = [
    '--root', join(storage, 'storage'), '--runroot', join(storage, 'run'), '--tmpdir', join(storage, 'tmp'),
    '--network-config-dir', join(storage, 'networks'), '--storage-driver', 'vfs', '--runtime', 'runc',
    '--cgroup-manager', 'cgroupfs', '--events-backend', 'none',
  ]
  // There is no systemd to run health checks: whoever waits for one runs it.
  const options = { encoding: 'utf8', env: { ...process.env, DISABLE_HC_SYSTEMD: 'true' } } as const
  const run = (args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync('podman', [...global, ...args], options)
    if (status !== 0) throw new PodmanFault(`podman ${args.join(' ')}: ${stderr.trim() || `exit code ${status}`}`)
    return stdout.trim()
  }
  return {
    run,
    succeeds: args => spawnSync('podman', [...global, ...args], { ...options, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' }).status === 0,
    start: (args, wanted = 1024) => {
      const maxFiles = Math.min(wanted, mostFiles())
      run(['run', '--detach', '--pull', 'never', '--ulimit', `nofile=${maxFiles}:${maxFiles}`, ...ULIMITS, ...args])
    },
    log: (container) => {
      const { stdout, stderr } = spawnSync('podman', [...global, 'logs', container], options)
      return stdout + stderr
    },
  }
}
