// Runs podman with everything it writes below one folder, so that nothing on the machine is touched or found by it.
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** As little as every container may have: the defaults are more than a machine without privileges allows. */
const ULIMITS = ['--ulimit', 'nproc=1024:1024']

export interface Podman {
  /** @throws PodmanFault with what podman says. */
  run: (args: readonly string[]) => string
  /** Whether the command succeeds. */
  succeeds: (args: readonly string[]) => boolean
  /** Starts a container in the background. @throws PodmanFault */
  start: (args: readonly string[], maxFiles?: number) => void
  /** Passes on what a container has written. */
  log: (container: string) => Promise<void>
}

export class PodmanFault extends Error {}

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
    succeeds: args => spawnSync('podman', [...global, ...args], options).status === 0,
    start: (args, maxFiles = 1024) => {
      run(['run', '--detach', '--pull', 'never', '--ulimit', `nofile=${maxFiles}:${maxFiles}`, ...ULIMITS, ...args])
    },
    log: container => new Promise((resolve) => {
      spawn('podman', [...global, 'logs', container], { stdio: ['ignore', 'inherit', 'inherit'] }).once('close', () => resolve())
    }),
  }
}
