import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'

const PROGRAM = resolve('tools/certificates.ts')

export interface LastingFolder { folder: string, remove: () => void }

/** A folder for more than one test. */
export function lastingFolder(): LastingFolder {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-certificates-'))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** A folder that goes with the test. */
export function tempFolder(): string {
  const { folder, remove } = lastingFolder()
  onTestFinished(remove)
  return folder
}

/** Runs `npm run certificates` in a folder, as a person would; what it wrote and its exit code. */
export function certificates(folder: string, args: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { cwd: folder, encoding: 'utf8', env: { PATH: process.env.PATH, ...env } })
  return { status, stdout, stderr }
}
