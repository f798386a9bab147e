// Owns what people write about devices: profiles, pictures, groups, the site. Promises that it changes in memory only
// after it has changed on disk, that it stays within its limits, and that its export is always the same text for the
// same content. Never knows whether a device has been heard.
import type { KnownDevice } from '#shared/schemas/profile'
import type { RegistryDevice } from '#shared/schemas/registry'
import { isEndless, isWithin } from '#shared/device/device-scope'
import type { Labels, DeviceScope } from '#shared/device/device-scope'
import type { Refusal, Registry, RegistryLimits, RegistryStore } from './contract'
import { byCodeUnit, canonicalProfile, fileText } from './file'
import { planImport } from './import'
import { pictureInfo, toDataUrl } from './pictures'
import { createProfileStore, deviceDocument, KIND, readDevice, readShared, sharedDocument } from './profile-store'
import type { HeldDevice } from './profile-store'

export interface RegistryOptions {
  store: RegistryStore
  limits: RegistryLimits
  /** Called for every device whose profile has changed. */
  onChange: (device: KnownDevice, before: Labels) => void
  /** Devices, groups or the site have changed: {@link Registry.intervalSeconds} may return other values. */
  onWritten?: () => void
}

type Change = Parameters<RegistryStore['write']>[0][number]

const NOTHING: HeldDevice = { profile: {}, picture: undefined }

export function createRegistry({ store, limits, onChange, onWritten }: RegistryOptions): Registry {
  const profileStore = createProfileStore()
  let revision = 0
  let last: Promise<unknown> = Promise.resolve()

  /** One change after the other: the order in memory is the order on disk. */
  function inTurn<T>(change: () => Promise<T>): Promise<T> {
    const run = last.then(change)
    last = run.catch(() => undefined)
    return run
  }

  async function write(changes: readonly Change[], apply: () => void, put = store.write): Promise<Refusal | undefined> {
    try {
      await put(changes)
    }
    catch (error) {
      return { code: 'registry-unavailable', message: error instanceof Error ? error.message : 'It cannot be stored.' }
    }
    revision++
    apply()
    onWritten?.()
    return undefined
  }

  const held = (deviceId: string) => profileStore.devices.get(deviceId) ?? NOTHING

  function get(deviceId: string): KnownDevice {
    const { profile, picture } = held(deviceId)
    return { deviceId, ...profile, ...(picture && { picture: picture.tag }) }
  }

  /** Why a device cannot become `next`, which replaces its stored profile. */
  function refusal(deviceId: string, next: HeldDevice): Refusal | undefined {
    const { profile, picture } = held(deviceId)
    const sizeOf = (device: HeldDevice) => Buffer.byteLength(deviceDocument(device) ?? '')
    const grown = sizeOf(next) - sizeOf({ profile, picture })
    if (!profileStore.devices.has(deviceId) && profileStore.devices.size >= limits.devices) return full(
      `${limits.devices} devices have a profile already; NUXT_LIMITS_DEVICES allows more.`,
    )
    if (grown > 0 && profileStore.bytes() + grown > limits.registryBytes) {
      const held = `The profiles of all devices take up ${limits.registryBytes} bytes already`
      return full(`${held}; NUXT_LIMITS_REGISTRY_BYTES allows more.`)
    }
    const more = (next.picture?.bytes ?? 0) - (picture?.bytes ?? 0)
    if (more > 0 && profileStore.pictureBytes() + more > limits.picturesBytes) {
      const held = `The pictures of all devices take up ${limits.picturesBytes} bytes already`
      return full(`${held}; NUXT_LIMITS_PICTURES_BYTES allows more.`)
    }
    return undefined
  }

  /** The profile of a device has changed; called with its labels before. */
  function set(deviceId: string, next: HeldDevice) {
    const before = labelsOf(deviceId)
    profileStore.setDevice(deviceId, next)
    return () => onChange(get(deviceId), before)
  }

  async function replace(deviceId: string, next: HeldDevice, also: readonly Change[] = []): Promise<Refusal | undefined> {
    const refused = refusal(deviceId, next)
    return refused ?? write([{ kind: KIND.device, name: deviceId, body: deviceDocument(next) }, ...also], () => set(deviceId, next)())
  }

  function labelsOf(deviceId: string): Labels {
    return held(deviceId).profile
  }

  function within(deviceScope: DeviceScope): ReadonlySet<string> | undefined {
    if (isEndless(deviceScope)) return undefined
    const { groups, places, devices } = deviceScope
    const candidates = devices
      ? [...devices]
      : groups
        ? [...groups].flatMap(group => [...profileStore.members(group)])
        : [...places ?? []].flatMap(place => [...profileStore.at(place)])
    return new Set(candidates.filter(deviceId => isWithin(deviceScope, deviceId, labelsOf(deviceId))))
  }

  function* fileDevices(): Generator<RegistryDevice> {
    for (const deviceId of [...profileStore.devices.keys()].sort(byCodeUnit)) {
      const { profile, picture } = held(deviceId)
      const bytes = picture && store.bytes(KIND.picture, deviceId)
      yield { deviceId, ...profile, ...(picture && bytes && { picture: toDataUrl(picture.type, bytes) }) }
    }
  }

  function sharedOf(group: string) {
    return profileStore.groups.get(group) ?? {}
  }

  return {
    load() {
      profileStore.clear()
      let unreadable = 0
      const read = <T>(kind: string, parse: (body: string) => T | undefined, take: (name: string, value: T) => void) => {
        for (const { name, body } of store.all(kind)) {
          const value = parse(body)
          if (value === undefined) unreadable++
          else take(name, value)
        }
      }
      read(KIND.device, readDevice, profileStore.setDevice)
      read(KIND.group, readShared, profileStore.setGroup)
      read(KIND.site, readShared, (_, profile) => profileStore.setSite(profile))
      revision++
      return { unreadable }
    },
    follow(kind, name, body) {
      if (kind === KIND.device) set(name, (body === undefined ? undefined : readDevice(body)) ?? NOTHING)()
      else if (kind === KIND.group) profileStore.setGroup(
        name,
        (body === undefined ? undefined : readShared(body)) ?? {},
      )
      else if (kind === KIND.site) profileStore.setSite((body === undefined ? undefined : readShared(body)) ?? {})
      else return kind === KIND.picture
      revision++
      onWritten?.()
      return true
    },
    revision: () => revision,
    get,
    all: () => [...profileStore.devices.keys()].sort(byCodeUnit).map(get),
    groups() {
      const counted = profileStore.countByGroup()
      const names = [...new Set([...counted.keys(), ...profileStore.groups.keys()])].sort(byCodeUnit)
      return names.map(name => ({ name, devices: counted.get(name) ?? 0, ...sharedOf(name) }))
    },
    places: () => Array.from(profileStore.countByPlace(), ([name, devices]) => ({ name, devices })),
    members: profileStore.members,
    groupOf: deviceId => profileStore.devices.get(deviceId)?.profile.group,
    labelsOf,
    within,
    site: profileStore.site,
    intervalSeconds(deviceId) {
      const { intervalSeconds, group } = held(deviceId).profile
      return intervalSeconds
        ?? (group === undefined ? undefined : sharedOf(group).intervalSeconds)
        ?? profileStore.site().intervalSeconds
    },
    picture(deviceId) {
      const { picture } = held(deviceId)
      const bytes = picture && store.bytes(KIND.picture, deviceId)
      return picture && bytes && { type: picture.type, tag: picture.tag, bytes }
    },
    put: (deviceId, profile, mayStill = () => true) => inTurn(async () => mayStill(labelsOf(deviceId))
      ? replace(deviceId, { profile: canonicalProfile(profile), picture: held(deviceId).picture })
      : { code: 'device-unknown', message: 'The device has been moved away meanwhile.' }),
    forget: (deviceId, put) => inTurn(() => {
      const isDescribed = profileStore.devices.has(deviceId)
      const changes = isDescribed
        ? [KIND.device, KIND.picture].map(kind => ({ kind, name: deviceId, body: null }))
        : []
      return write(changes, () => {
        if (isDescribed) set(deviceId, NOTHING)()
      }, put)
    }),
    putPicture: (deviceId, bytes) => inTurn(async () => {
      const picture = bytes && pictureInfo(bytes, limits.pictureBytes)
      if (picture && 'code' in picture) return picture
      return replace(deviceId, { profile: held(deviceId).profile, picture: picture ?? undefined }, [{ kind: KIND.picture, name: deviceId, body: bytes }])
    }),
    putGroup: (group, profile) => inTurn(async () => {
      if (!profileStore.groups.has(group) && profileStore.groups.size >= limits.devices) return full(
        `${limits.devices} groups have a profile already; NUXT_LIMITS_DEVICES allows more.`,
      )
      return write([{ kind: KIND.group, name: group, body: sharedDocument(profile) }], () => profileStore.setGroup(
        group,
        profile,
      ))
    }),
    putSite: profile => inTurn(() => write([{
      kind: KIND.site,
      name: '',
      body: sharedDocument(profile),
    }], () => profileStore.setSite(profile))),
    exportFile: () => fileText({ site: profileStore.site(), groups: [...profileStore.groups].sort((
      [a],
      [b],
    ) => byCodeUnit(a, b)).map(([name, profile]) => ({ name, ...profile })), devices: fileDevices() }),
    importFile: (file, dryRun) => inTurn(async () => {
      const plan = planImport(file, profileStore, limits)
      if ('code' in plan) return plan
      if (!dryRun) {
        const refused = await write(plan.documents, () => {
          const notifications = Array.from(plan.devices, ([deviceId, device]) => set(deviceId, device))
          for (const [group, profile] of plan.groups) profileStore.setGroup(group, profile)
          profileStore.setSite(plan.site)
          for (const each of notifications) each()
        })
        if (refused) return refused
      }
      return plan.report(dryRun)
    }),
  }
}

function full(message: string): Refusal {
  return { code: 'registry-full', message }
}
