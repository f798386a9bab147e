import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KnownDevice } from '#shared/schemas/profile'
import type { Labels } from '#shared/device/device-scope'
import { onTestFinished } from 'vitest'
import { openDocuments } from '../../../../server/history/documents'
import type { RegistryLimits } from '../../../../server/registry/contract'
import { createRegistry } from '../../../../server/registry/registry'

export const LIMITS: RegistryLimits = { devices: 1_000, registryBytes: 1_000_000, pictureBytes: 1_000, picturesBytes: 10_000 }

export function tempFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-registry-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'history.db')
}

/** A registry in a database file of its own; `changes` are what it has told, `moves` with where the devices belonged. */
export function openRegistry(limits: Partial<RegistryLimits> = {}, file = tempFile()) {
  const store = openDocuments(file, () => {})
  const changes: KnownDevice[] = []
  const moves: { from: Labels, to: KnownDevice }[] = []
  const registry = createRegistry({ store, limits: { ...LIMITS, ...limits }, onChange(device, from) {
    changes.push(device)
    moves.push({ from, to: device })
  } })
  registry.load()
  onTestFinished(store.close)
  return { registry, changes, moves, file, store }
}

export const PNG = Buffer.concat([Buffer.from([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]), Buffer.from('a picture')])
export const JPEG = Buffer.concat([Buffer.from([0xFF, 0xD8, 0xFF, 0xE0]), Buffer.from('another')])
