import { z } from 'zod'
import { DeviceProfileSchema, PictureTypeSchema, SharedProfileSchema } from '#shared/schemas/profile'
import type { DeviceProfile, SharedProfile } from '#shared/schemas/profile'
import { readJson } from '#shared/text/json'
import { byCodeUnit } from './file'

/** The kinds of documents of the registry; the site's has no name. */
export const KIND = { device: 'device', picture: 'picture', group: 'group', site: 'site' } as const

const PictureInfoSchema = z.object({ type: PictureTypeSchema, tag: z.string(), bytes: z.number() })
export type PictureInfo = z.infer<typeof PictureInfoSchema>

/** A device's document: the profile, and the type and version of its picture. */
const DeviceDocumentSchema = DeviceProfileSchema.extend({ picture: PictureInfoSchema.optional() })

export interface HeldDevice { profile: DeviceProfile, picture: PictureInfo | undefined }

export function deviceDocument({ profile, picture }: HeldDevice): string | null {
  return Object.keys(profile).length === 0 && !picture ? null : JSON.stringify({ ...profile, picture })
}

export function sharedDocument(profile: SharedProfile): string | null {
  return Object.keys(profile).length === 0 ? null : JSON.stringify(profile)
}

/** A document that was read back; undefined: this version cannot read it. */
export function readDevice(body: string): HeldDevice | undefined {
  const result = DeviceDocumentSchema.safeParse(readJson(body))
  if (!result.success) return undefined
  const { picture, ...profile } = result.data
  return { profile, picture }
}

export function readShared(body: string): SharedProfile | undefined {
  return SharedProfileSchema.safeParse(readJson(body)).data
}

/** Everything in memory: devices, groups with a setting, the site; and the devices of each group and place. */
export function createProfileStore() {
  const devices = new Map<string, HeldDevice & { size: number }>()
  const groups = new Map<string, SharedProfile>()
  const byGroup = new Map<string, Set<string>>()
  const byPlace = new Map<string, Set<string>>()
  let site: SharedProfile = {}
  let bytes = 0
  let pictureBytes = 0

  function setDevice(deviceId: string, next: HeldDevice) {
    const held = devices.get(deviceId)
    move(byGroup, deviceId, held?.profile.group, next.profile.group)
    move(byPlace, deviceId, held?.profile.place, next.profile.place)
    const document = deviceDocument(next)
    const size = document === null ? 0 : Buffer.byteLength(document) + Buffer.byteLength(deviceId)
    bytes += size - (held?.size ?? 0)
    pictureBytes += (next.picture?.bytes ?? 0) - (held?.picture?.bytes ?? 0)
    if (document === null) devices.delete(deviceId)
    else devices.set(deviceId, { ...next, size })
  }

  return {
    devices: devices as ReadonlyMap<string, HeldDevice>,
    groups: groups as ReadonlyMap<string, SharedProfile>,
    site: () => site,
    bytes: () => bytes,
    pictureBytes: () => pictureBytes,
    members: (group: string): ReadonlySet<string> => byGroup.get(group) ?? NOBODY,
    at: (place: string): ReadonlySet<string> => byPlace.get(place) ?? NOBODY,
    /** The number of devices of each, by name. */
    countByGroup: () => counts(byGroup),
    countByPlace: () => counts(byPlace),
    setDevice,
    setGroup(group: string, profile: SharedProfile) {
      if (sharedDocument(profile) === null) groups.delete(group)
      else groups.set(group, profile)
    },
    setSite(profile: SharedProfile) {
      site = profile
    },
    clear() {
      for (const deviceId of [...devices.keys()]) setDevice(deviceId, { profile: {}, picture: undefined })
      groups.clear()
      site = {}
    },
  }
}
export type ProfileStore = ReturnType<typeof createProfileStore>

const NOBODY: ReadonlySet<string> = new Set()

function move(index: Map<string, Set<string>>, deviceId: string, from: string | undefined, to: string | undefined) {
  if (from === to) return
  if (from !== undefined) {
    const members = index.get(from)
    members?.delete(deviceId)
    if (members?.size === 0) index.delete(from)
  }
  if (to === undefined) return
  const members = index.get(to) ?? new Set()
  index.set(to, members.add(deviceId))
}

function counts(index: ReadonlyMap<string, ReadonlySet<string>>): Map<string, number> {
  return new Map([...index].map(([name, { size }]): [string, number] => [name, size]).sort(([a], [b]) => byCodeUnit(a, b)))
}
