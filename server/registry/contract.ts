import type { Fault } from '#shared/schemas/error'
import type { DeviceProfile, Groups, KnownDevice, PictureType, Places, SharedProfile } from '#shared/schemas/profile'
import type { ImportReport, RegistryFile } from '#shared/schemas/registry'
import type { Labels, DeviceScope } from '#shared/device/device-scope'

/** Where the registry is stored: documents by kind and name. `body: null` deletes one. */
export interface RegistryStore {
  all: (kind: string) => { name: string, body: string }[]
  bytes: (kind: string, name: string) => Uint8Array | undefined
  /**
   * Writes in one transaction; resolves when it is on disk. @throws an Error that can be shown to a client; nothing
   * has changed then.
   */
  write: (changes: readonly { kind: string, name: string, body: string | Uint8Array | null }[]) => Promise<void>
}

export interface RegistryLimits {
  /** Devices that can have a profile. */
  devices: number
  /** Bytes of all profiles together, without the pictures. */
  registryBytes: number
  /** Bytes of one picture, and of all of them. */
  pictureBytes: number
  picturesBytes: number
}

/** Why a change was refused; the message is for people. */
export interface Refusal {
  code: 'registry-full' | 'registry-unavailable' | 'picture-invalid' | 'picture-too-large' | 'file-invalid' | 'device-unknown'
  message: string
  faults?: Fault[]
}

export interface Picture { type: PictureType, bytes: Uint8Array, tag: string }

export interface Registry {
  /** Reads everything from the store, whenever that is opened. */
  load: () => { unreadable: number }
  /** A document that was written or deleted elsewhere; returns whether it belongs to this room. */
  follow: (kind: string, name: string, body: string | undefined) => boolean
  /** Counts the changes. */
  revision: () => number
  /** The profile of a device; only its `deviceId` if it has none. */
  get: (deviceId: string) => KnownDevice
  /** Every device with a profile, sorted by deviceId. */
  all: () => KnownDevice[]
  groups: () => Groups
  places: () => Places
  members: (group: string) => ReadonlySet<string>
  groupOf: (deviceId: string) => string | undefined
  /** The labels of a device; read for every event, so nothing is allocated. */
  labelsOf: (deviceId: string) => Labels
  /** The devices that may be seen, heard or not; undefined: all, also those without a profile. */
  within: (deviceScope: DeviceScope) => ReadonlySet<string> | undefined
  site: () => SharedProfile
  /** The configured interval of a device: its own, else its group's, else the site's. */
  intervalSeconds: (deviceId: string) => number | undefined
  picture: (deviceId: string) => Picture | undefined
  /**
   * The new profile of a device; the picture stays. `mayStill` is called right before, with the labels that the
   * device has by then.
   */
  put: (deviceId: string, profile: DeviceProfile, mayStill?: (labels: Labels) => boolean) => Promise<Refusal | undefined>
  /** Deletes the profile of a device; `write` writes that, in place of the store. */
  forget: (deviceId: string, write: RegistryStore['write']) => Promise<Refusal | undefined>
  putPicture: (deviceId: string, bytes: Uint8Array | null) => Promise<Refusal | undefined>
  putGroup: (group: string, profile: SharedProfile) => Promise<Refusal | undefined>
  putSite: (profile: SharedProfile) => Promise<Refusal | undefined>
  /** Everything as the text of one file, in pieces: always the same text for the same registry. */
  exportFile: () => Iterable<string>
  /** Replaces the registry by a file, in one transaction, or (`dryRun`) only reports what that would change. */
  importFile: (file: RegistryFile, dryRun: boolean) => Promise<ImportReport | Refusal>
}
