import type { Fault } from '#shared/schemas/error'
import type { SharedProfile } from '#shared/schemas/profile'
import type { ImportReport, RegistryFile } from '#shared/schemas/registry'
import { fieldPath } from '#shared/text/field-path'
import type { Refusal, RegistryLimits, RegistryStore } from './contract'
import { byCodeUnit, canonicalProfile, createComparison } from './file'
import { fromDataUrl, pictureInfo } from './pictures'
import { deviceDocument, KIND, sharedDocument } from './profile-store'
import type { HeldDevice, ProfileStore } from './profile-store'

/**
 * The changes of an import: devices and groups that change (or lose everything), and the documents to write for that.
 */
export interface ImportPlan {
  devices: ReadonlyMap<string, HeldDevice>
  groups: ReadonlyMap<string, SharedProfile>
  site: SharedProfile
  documents: Parameters<RegistryStore['write']>[0]
  report: (dryRun: boolean) => ImportReport
}

const NOTHING: HeldDevice = { profile: {}, picture: undefined }

/** Compares a file with the registry; what the file does not mention is deleted. Changes nothing. */
export function planImport(file: RegistryFile, store: ProfileStore, limits: RegistryLimits): ImportPlan | Refusal {
  const wanted = readDevices(file, limits)
  if ('code' in wanted) return wanted
  const refused = tooMuch(wanted.devices, limits) ?? (file.groups.length > limits.devices ? full(`Groups: at most ${limits.devices} (NUXT_LIMITS_DEVICES).`) : undefined)
  if (refused) return refused

  const { compare, report } = createComparison()
  const documents: ImportPlan['documents'][number][] = []
  compare(['site'], store.site(), file.site)
  documents.push({ kind: KIND.site, name: '', body: sharedDocument(file.site) })

  const groups = new Map<string, SharedProfile>()
  const wantedGroups = new Map(file.groups.map(({ name, ...profile }) => [name, profile]))
  for (const name of namesOf(store.groups, wantedGroups)) {
    const [before, after] = [store.groups.get(name), wantedGroups.get(name) ?? {}]
    if (sharedDocument(before ?? {}) === sharedDocument(after)) continue
    compare(['groups', name], before, sharedDocument(after) === null ? undefined : after)
    groups.set(name, after)
    documents.push({ kind: KIND.group, name, body: sharedDocument(after) })
  }

  const devices = new Map<string, HeldDevice>()
  for (const deviceId of namesOf(store.devices, wanted.devices)) {
    const [before, after] = [store.devices.get(deviceId) ?? NOTHING, wanted.devices.get(deviceId) ?? NOTHING]
    if (deviceDocument(before) === deviceDocument(after)) continue
    compare(['devices', deviceId], shown(before), shown(after))
    devices.set(deviceId, after)
    documents.push({ kind: KIND.device, name: deviceId, body: deviceDocument(after) })
    if (before.picture?.tag !== after.picture?.tag) documents.push({ kind: KIND.picture, name: deviceId, body: wanted.pictures.get(deviceId) ?? null })
  }
  return { devices, groups, site: file.site, documents, report }
}

function readDevices({ devices }: RegistryFile, limits: RegistryLimits): { devices: Map<string, HeldDevice>, pictures: Map<string, Uint8Array> } | Refusal {
  const held = new Map<string, HeldDevice>()
  const pictures = new Map<string, Uint8Array>()
  const faults: Fault[] = []
  for (const [i, { deviceId, picture, ...profile }] of devices.entries()) {
    const bytes = picture === undefined ? undefined : fromDataUrl(picture)
    const info = bytes && pictureInfo(bytes, limits.pictureBytes)
    if (info && 'code' in info) {
      faults.push({ path: fieldPath(['devices', i, 'picture']), message: info.message })
      continue
    }
    held.set(deviceId, { profile: canonicalProfile(profile), picture: info })
    if (bytes) pictures.set(deviceId, bytes)
  }
  if (faults.length > 0) return { code: 'file-invalid', message: 'The file has pictures that cannot be taken.', faults }
  return { devices: held, pictures }
}

function tooMuch(devices: ReadonlyMap<string, HeldDevice>, limits: RegistryLimits): Refusal | undefined {
  let bytes = 0
  let pictureBytes = 0
  for (const [deviceId, device] of devices) {
    bytes += Buffer.byteLength(deviceId) + Buffer.byteLength(deviceDocument(device) ?? '')
    pictureBytes += device.picture?.bytes ?? 0
  }
  if (devices.size > limits.devices) return full(
    `The file has ${devices.size} devices; at most ${limits.devices} are allowed (NUXT_LIMITS_DEVICES).`,
  )
  if (bytes > limits.registryBytes) return full(
    `The contents of the file take up ${bytes} bytes; at most ${limits.registryBytes} are allowed (NUXT_LIMITS_REGISTRY_BYTES).`,
  )
  if (pictureBytes > limits.picturesBytes) return full(
    `The pictures in the file take up ${pictureBytes} bytes; at most ${limits.picturesBytes} are allowed (NUXT_LIMITS_PICTURES_BYTES).`,
  )
  return undefined
}

/** A device in comparable form; undefined: it has no profile. */
function shown({ profile, picture }: HeldDevice): object | undefined {
  if (Object.keys(profile).length === 0 && !picture) return undefined
  return { ...profile, ...(picture && { picture: `${picture.type}, ${picture.bytes} bytes (${picture.tag})` }) }
}

function namesOf(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].sort(byCodeUnit)
}

function full(message: string): Refusal {
  return { code: 'registry-full', message }
}
