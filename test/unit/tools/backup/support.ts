import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openDatabase } from '../../../../server/history/sqlite/database'
import type { Steps } from '../../../../tools/cli/progress'

export const SILENT: Steps = { begin: () => () => {} }

export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-backup-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A folder with a history of `devices` devices, open as a server has it. */
export function openHistory(devices: number) {
  const data = join(tempFolder(), 'data')
  mkdirSync(data)
  const { database } = openDatabase(join(data, 'history.db'), () => {})
  const insert = database.prepare('INSERT INTO device (name, state) VALUES (?, ?)')
  database.exec('BEGIN')
  for (let i = 0; i < devices; i++) insert.run(`tor-${i}`, 'x'.repeat(2_000))
  database.exec('COMMIT')
  onTestFinished(() => {
    if (database.isOpen) database.close()
  })
  return { data, database, file: join(data, '..', 'history.backup') }
}

/** Names and contents of everything in a folder. */
export function contentOf(folder: string): Map<string, string> {
  return new Map(readdirSync(folder).sort().map(name => [name, readFileSync(join(folder, name), 'base64')]))
}
