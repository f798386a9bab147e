import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { missingDependencies } from './dependencies'
import { ENTRY } from './launch'

const SOURCES = ['app.vue', 'error.vue', 'app.config.ts', 'nuxt.config.ts', 'package-lock.json',
  'assets', 'components', 'composables', 'i18n', 'layouts', 'pages', 'plugins', 'public', 'server', 'shared', 'tools/shell']

/** Builds once for all end-to-end tests, and only when a source is newer than the build. */
export default async function setup() {
  const missing = await missingDependencies()
  if (missing.length > 0) {
    const line = `Missing on this machine: ${missing.join(', ')}. Their tests are skipped.`
    if (process.env.LEITSTAND_TEST_REQUIRE_ALL) throw new Error(line)
    console.warn(`\n${line}\n`)
  }
  const built = existsSync(ENTRY) ? statSync(ENTRY).mtimeMs : 0
  if (SOURCES.some(source => newest(source) > built)) {
    execFileSync('npx', ['nuxt', 'build'], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, NODE_ENV: 'production' } })
  }
}

/** Modification time of the newest file under a path, 0 when there is none. */
function newest(path: string): number {
  if (!existsSync(path)) return 0
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(0, ...readdirSync(path).map(name => newest(join(path, name))))
}
