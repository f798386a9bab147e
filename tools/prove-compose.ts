// Proves Compose files on a machine without Docker and without an image registry: starts what they say by podman, on
// stand-ins for the official images, in a network of its own, publishes a message and looks for it where a user would.
//   npm run prove-compose -- [--storage DIR] [FILE...]        (compose.yaml)
// Debian only, as root. Exit code 0: proved, 1: broken, 77: cannot run here.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { findProgram } from './programs/find.ts'
import { ComposeFault, imageOf, readCompose } from './prove/compose-file.ts'
import { createPodman, PodmanFault } from './prove/podman.ts'
import { createProject } from './prove/project.ts'
import { publish, seeInApi, seeInPage } from './prove/seen.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CANNOT_RUN = 77
const BROKEN = 1
/** What podman needs beside itself: the network plug-in finds a container by its name. */
const PROGRAMS = ['podman', 'runc', 'unshare', 'ip', 'iptables', 'buildah', 'debootstrap']
const NAMES_PLUGIN = '/usr/lib/cni/dnsname'

const { values: { storage, inside }, positionals } = parseArgs({
  options: { storage: { type: 'string' }, inside: { type: 'string' } },
  allowPositionals: true,
})
const files = positionals.length > 0 ? positionals : ['compose.yaml']
const say = (sentence: string) => console.info(`${String(Math.round(process.uptime())).padStart(4)} s  ${sentence}`)

if (inside && storage) await proveInside(inside, storage)
else prove()

/** Prepares all that needs the machine's own network, then goes on in another one. */
function prove() {
  const missing = PROGRAMS.find(name => !findProgram(name)) ?? (existsSync(NAMES_PLUGIN) ? undefined : NAMES_PLUGIN)
  if (missing) return cannotRun(`${missing} is not installed`)
  if (process.getuid?.() !== 0) return cannotRun('it needs root, for name spaces')
  if (spawnSync('unshare', ['--net', '--mount', 'true']).status !== 0) return cannotRun('the machine allows no name spaces')
  const work = mkdtempSync(join(tmpdir(), 'leitstand-compose.'))
  try {
    process.exitCode = proveIn(work, storage ?? join(work, 'storage'))
  }
  catch (error) {
    broken(error)
  }
  finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function proveIn(work: string, images: string): number {
  const folder = join(work, 'project')
  copyProject(folder)
  const compose = readCompose(folder, files)
  const wanted = Object.entries(compose.services).map(([name, { build }]) => `${build ? 'build:' : ''}${imageOf(compose, name)}`)
  const made = spawnSync(join(ROOT, 'tools/prove/images.sh'), [images, folder, ...new Set(wanted)], { stdio: 'inherit' })
  if (made.status !== 0) return made.status ?? BROKEN
  const again = [process.argv[1] ?? '', '--inside', folder, '--storage', images, ...files]
  const { status } = spawnSync('unshare', ['--net', '--mount', process.execPath, ...again], { stdio: 'inherit' })
  return status ?? BROKEN
}

/** What a fresh clone has, with what is not committed yet: no `.env`, no data, no secrets of this machine. */
function copyProject(folder: string) {
  mkdirSync(folder)
  const tar = ['tar', '--null', '--files-from=-', '--ignore-failed-read', '-cf', '-']
  const list = execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT })
  const archive = execFileSync(tar[0] ?? '', tar.slice(1), { cwd: ROOT, input: list, maxBuffer: 1024 ** 3, stdio: ['pipe', 'pipe', 'ignore'] })
  execFileSync('tar', ['-C', folder, '-xf', '-'], { input: archive })
}

async function proveInside(folder: string, images: string) {
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  const podman = createPodman(images)
  const compose = readCompose(folder, files)
  const [first = ''] = Object.keys(compose.services)
  const probe = ['run', '--rm', '--pull', 'never', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--entrypoint', '["true"]']
  try {
    podman.run([...probe, imageOf(compose, first)])
  }
  catch (error) {
    if (error instanceof PodmanFault) return cannotRun(error.message.split('\n').at(-1) ?? '')
    throw error
  }
  const project = createProject(compose, podman, say)
  try {
    await project.start()
    await publish('mqtt://127.0.0.1:1883')
    say('published on 127.0.0.1:1883')
    await seeInApi('http://127.0.0.1:3000')
    say('GET /api/sensors shows it')
    await seeInPage('http://localhost:3000')
    say('the page shows it')
    project.stop()
    say(`proved: ${files.join(', ')}`)
  }
  catch (error) {
    broken(error)
  }
  finally {
    podman.succeeds(['rm', '--all', '--force', '--time', '0'])
    for (const kind of ['network', 'volume']) podman.succeeds([kind, 'prune', '--force'])
  }
}

function broken(error: unknown) {
  console.error('broken:', error instanceof ComposeFault || error instanceof PodmanFault ? error.message : error)
  process.exitCode = BROKEN
}

function cannotRun(reason: string) {
  console.error(`cannot run here: ${reason}`)
  process.exitCode = CANNOT_RUN
}
