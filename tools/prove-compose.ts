// Proves Compose files on a machine without Docker and without an image registry: starts what they say by podman, on
// stand-ins for the official images, in a network of its own, publishes a message and looks for it where a user would.
//   npm run prove-compose -- [--storage DIR] [FILE...]        (compose.yaml)
// Debian only, as root. Exit code 0: proved, 1: broken, 77: cannot run here.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { findProgram } from './programs/find.ts'
import { ComposeFault, imageOf, readCompose, without } from './prove/compose-file.ts'
import { deploymentOf } from './prove/deployments.ts'
import type { Deployment } from './prove/deployments.ts'
import { createPodman, PodmanFault } from './prove/podman.ts'
import { proveDeployment } from './prove/prove.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CANNOT_RUN = 77
const BROKEN = 1
const PROGRAMS = ['podman', 'runc', 'unshare', 'ip', 'iptables', 'buildah', 'debootstrap']
/** With it containers find each other by their names. */
const NAMES_PLUGIN = '/usr/lib/cni/dnsname'
const AS_LITTLE_AS_POSSIBLE = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--entrypoint', '["true"]']

const { values: { storage, inside }, positionals } = parseArgs({
  options: { storage: { type: 'string' }, inside: { type: 'string' } },
  allowPositionals: true,
})
const files = positionals.length > 0 ? positionals : ['compose.yaml']
const say = (sentence: string) => console.info(`${String(Math.round(process.uptime())).padStart(4)} s  ${sentence}`)

try {
  const deployment = deploymentOf(files)
  if (!deployment) throw new ComposeFault(`${files.join(' ')} is nothing that tools/prove/deployments.ts describes`)
  if (inside && storage) await proveInside(deployment, inside, storage)
  else prove(deployment)
}
catch (error) {
  console.error('broken:', error instanceof ComposeFault || error instanceof PodmanFault ? error.message : error)
  process.exitCode = BROKEN
}

/** Prepares all that needs the machine's own network, then goes on in another one. */
function prove(deployment: Deployment) {
  const missing = PROGRAMS.find(name => !findProgram(name)) ?? (existsSync(NAMES_PLUGIN) ? undefined : NAMES_PLUGIN)
  if (missing) return cannotRun(`${missing} is not installed`)
  if (process.getuid?.() !== 0) return cannotRun('it needs root, for name spaces')
  if (spawnSync('unshare', ['--net', '--mount', 'true']).status !== 0) return cannotRun('the machine allows no name spaces')
  const work = mkdtempSync(join(tmpdir(), 'leitstand-compose.'))
  try {
    process.exitCode = proveIn(work, storage ?? join(work, 'storage'), deployment)
  }
  finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function proveIn(work: string, images: string, deployment: Deployment): number {
  const folder = join(work, 'project')
  copyProject(folder)
  deployment.prepare(folder)
  const compose = without(readCompose(folder, files), deployment.leftOut)
  const wanted = Object.keys(compose.services).map((name) => {
    const image = imageOf(compose, name)
    return image.startsWith('localhost/') ? `build:${image}` : image
  })
  const made = spawnSync(join(ROOT, 'tools/prove/images.sh'), [images, folder, ...new Set(wanted)], { stdio: 'inherit' })
  if (made.status !== 0) return made.status ?? BROKEN
  const again = [process.argv[1] ?? '', '--inside', folder, '--storage', images, ...files]
  return spawnSync('unshare', ['--net', '--mount', process.execPath, ...again], { stdio: 'inherit' }).status ?? BROKEN
}

/** What a fresh clone has, with what is not committed yet: no `.env`, no data, no secrets of this machine. */
function copyProject(folder: string) {
  mkdirSync(folder)
  const list = execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' })
  const present = list.split('\0').filter(path => path && existsSync(join(ROOT, path))).join('\0')
  const archive = execFileSync('tar', ['--null', '--files-from=-', '-cf', '-'], { cwd: ROOT, input: present, maxBuffer: 1024 ** 3 })
  execFileSync('tar', ['-C', folder, '-xf', '-'], { input: archive })
}

async function proveInside(deployment: Deployment, folder: string, images: string) {
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  nameThisMachine(folder, deployment.hosts)
  const podman = createPodman(images)
  const compose = without(readCompose(folder, files), deployment.leftOut)
  const [first = ''] = Object.keys(compose.services)
  try {
    podman.run(['run', '--rm', '--pull', 'never', ...AS_LITTLE_AS_POSSIBLE, imageOf(compose, first)])
  }
  catch (error) {
    if (error instanceof PodmanFault) return cannotRun(error.message.split('\n').at(-1) ?? '')
    throw error
  }
  await proveDeployment({ deployment, compose, podman, say })
}

/** In this process's own view of the file system, which ends with it. */
function nameThisMachine(folder: string, hosts: readonly string[]) {
  const file = join(folder, '..', 'hosts')
  writeFileSync(file, `${readFileSync('/etc/hosts', 'utf8')}\n127.0.0.1 ${hosts.join(' ')}\n`)
  if (hosts.length > 0) execFileSync('mount', ['--bind', file, '/etc/hosts'])
}

function cannotRun(reason: string) {
  console.error(`cannot run here: ${reason}`)
  process.exitCode = CANNOT_RUN
}
