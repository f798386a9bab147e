import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { startChild } from './child.ts'

/** Folders that the built application does not come from. */
const NOT_BUILT = new Set(['node_modules', 'test', 'tools', 'docs', 'bench', 'coverage', 'mosquitto', 'test-results'])
const ROOT_FILES = /^(?:package-lock\.json|[^.].*\.(?:ts|vue))$/
const NUXT = 'node_modules/nuxt/bin/nuxt.mjs'
const LINES_SHOWN_ON_FAILURE = 40

/** Whether `.output` is missing or older than any source in `root`. A folder counts as well: a file may have been removed. */
export async function needsBuild(root: string): Promise<boolean> {
  // Written last: an interrupted build has none.
  const built = await stat(join(root, '.output/nitro.json')).catch(() => undefined)
  if (!built) return true
  return newerThan(built.mtimeMs, root, entry => entry.isDirectory() ? !entry.name.startsWith('.') && !NOT_BUILT.has(entry.name) : ROOT_FILES.test(entry.name))
}

/**
 * Builds the application into `root/.output`; ends early when `signal` aborts.
 * @throws with the end of the build's output when it fails.
 */
export async function build(root: string, signal: AbortSignal): Promise<void> {
  const lines: string[] = []
  const { NODE_ENV: _, ...env } = process.env
  const child = startChild(join(root, NUXT), ['build'], { cwd: root, env, onLine: line => lines.push(line) })
  const stop = () => void child.stop()
  signal.addEventListener('abort', stop, { once: true })
  const { ok, how } = await child.ended
  signal.removeEventListener('abort', stop)
  if (!ok && !signal.aborted) throw new Error(`The build failed (${how}):\n${lines.slice(-LINES_SHOWN_ON_FAILURE).join('\n')}`)
}

interface Entry { name: string, isDirectory: () => boolean }

async function newerThan(builtMs: number, folder: string, counts: (entry: Entry) => boolean = () => true): Promise<boolean> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!counts(entry)) continue
    const path = join(folder, entry.name)
    if ((await stat(path)).mtimeMs > builtMs) return true
    if (entry.isDirectory() && await newerThan(builtMs, path)) return true
  }
  return false
}
