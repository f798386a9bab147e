import type { Fault } from '#shared/schemas/error'
import type { DeviceProfile, Groups, KnownDevice, PictureType, Places, SharedProfile } from '#shared/schemas/profile'
import type { ImportReport, RegistryFile } from '#shared/schemas/registry'
import type { Labels, DeviceScope } from '#shared/device/device-scope'

/** Where the registry is kept: documents by kind and name. `body: null` deletes one. */
export interface RegistryStore {
  all: (kind: string) => { name: string, body: string }[]
  bytes: (kind: string, name: string) => Uint8Array | undefined
  /** Writes in one transaction; resolves when it is on disk. @throws an Error fit to show, and then nothing is changed. */
  write: (changes: readonly { kind: string, name: string, body: string | Uint8Array | null }[]) => Promise<void>
}

export interface RegistryLimits {
  /** Devices that something can be said about. */
  devices: number
  /** Bytes that everything said may take up together, without the pictures. */
  registryBytes: number
  /** Bytes of one picture, and of all of them. */
  pictureBytes: number
  picturesBytes: number
}

/** Why a change was not made; the message is for people. */
export interface Refusal {
  code: 'registry-full' | 'registry-unavailable' | 'picture-invalid' | 'picture-too-large' | 'file-invalid' | 'device-unknown'
  message: string
  faults?: Fault[]
}

export interface Picture { type: PictureType, bytes: Uint8Array, tag: string }

export interface Registry {
  /** Reads everything from the store, whenever that is opened. */
  load: () => { unreadable: number }
  /** What a document says now that was written elsewhere, or that it is gone; whether it is one of this room's. */
  follow: (kind: string, name: string, body: string | undefined) => boolean
  /** Counts the changes. */
  revision: () => number
  /** What is known of a device; its `deviceId` alone when nobody has said anything. */
  get: (deviceId: string) => KnownDevice
  /** Every device that something is said about, sorted by deviceId. */
  all: () => KnownDevice[]
  groups: () => Groups
  places: () => Places
  members: (group: string) => ReadonlySet<string>
  groupOf: (deviceId: string) => string | undefined
  /** Where a device belongs; asked for every event, so nothing is made for it. */
  labelsOf: (deviceId: string) => Labels
  /** The devices that may be seen, heard or not; undefined: all, also those of which nothing is said. */
  within: (deviceScope: DeviceScope) => ReadonlySet<string> | undefined
  site: () => SharedProfile
  /** How often a device is expected to speak: its own word, else its group's, else the site's. */
  intervalSeconds: (deviceId: string) => number | undefined
  picture: (deviceId: string) => Picture | undefined
  /** What people say about a device from now on; the picture stays. `mayStill` is asked right before, of where the device belongs by then. */
  put: (deviceId: string, profile: DeviceProfile, mayStill?: (labels: Labels) => boolean) => Promise<Refusal | undefined>
  /** Nothing is said about a device any more; `write` writes that, in place of the store. */
  forget: (deviceId: string, write: RegistryStore['write']) => Promise<Refusal | undefined>
  putPicture: (deviceId: string, bytes: Uint8Array | null) => Promise<Refusal | undefined>
  putGroup: (group: string, profile: SharedProfile) => Promise<Refusal | undefined>
  putSite: (profile: SharedProfile) => Promise<Refusal | undefined>
  /** Everything as the text of one file, in pieces: always the same text for the same registry. */
  exportFile: () => Iterable<string>
  /** Makes the registry what a file says, in one transaction, or (`dryRun`) only says what that would change. */
  importFile: (file: RegistryFile, dryRun: boolean) => Promise<ImportReport | Refusal>
}
