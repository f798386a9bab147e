// Owns what people say about devices: profiles, pictures, groups, the site. Promises that it changes in memory only after it has
// changed on disk, that it stays within its limits, and that its export is always the same text for the same content. Never knows
// whether a device has been heard.
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
  /** Told of every device about which something else is said now. */
  onChange: (device: KnownDevice, before: Labels) => void
  /** Something else is said now, of devices, groups or the site: {@link Registry.intervalSeconds} may have other answers. */
  onWritten?: () => void
}

type Change = Parameters<RegistryStore['write']>[0][number]

const NOTHING: HeldDevice = { profile: {}, picture: undefined }

export function createRegistry({ store, limits, onChange, onWritten }: RegistryOptions): Registry {
  const shelf = createProfileStore()
  let revision = 0
  let last: Promise<unknown> = Promise.resolve()

  /** One change after the other: what is in memory is in the same order on disk. */
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

  const held = (deviceId: string) => shelf.devices.get(deviceId) ?? NOTHING

  function get(deviceId: string): KnownDevice {
    const { profile, picture } = held(deviceId)
    return { deviceId, ...profile, ...(picture && { picture: picture.tag }) }
  }

  /** Why a device cannot become `next`, which replaces what is held of it. */
  function refusal(deviceId: string, next: HeldDevice): Refusal | undefined {
    const { profile, picture } = held(deviceId)
    const sizeOf = (device: HeldDevice) => Buffer.byteLength(deviceDocument(device) ?? '')
    const grown = sizeOf(next) - sizeOf({ profile, picture })
    if (!shelf.devices.has(deviceId) && shelf.devices.size >= limits.devices) return full(`Something is said about ${limits.devices} devices already; NUXT_LIMITS_DEVICES allows more.`)
    if (grown > 0 && shelf.bytes() + grown > limits.registryBytes) return full(`What is said about all devices takes up ${limits.registryBytes} bytes already; NUXT_LIMITS_REGISTRY_BYTES allows more.`)
    const more = (next.picture?.bytes ?? 0) - (picture?.bytes ?? 0)
    if (more > 0 && shelf.pictureBytes() + more > limits.picturesBytes) return full(`The pictures of all devices take up ${limits.picturesBytes} bytes already; NUXT_LIMITS_PICTURES_BYTES allows more.`)
    return undefined
  }

  /** Something else is said of a device; told with where it belonged before. */
  function set(deviceId: string, next: HeldDevice) {
    const before = labelsOf(deviceId)
    shelf.setDevice(deviceId, next)
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
    const candidates = devices ? [...devices] : groups ? [...groups].flatMap(group => [...shelf.members(group)]) : [...places ?? []].flatMap(place => [...shelf.at(place)])
    return new Set(candidates.filter(deviceId => isWithin(deviceScope, deviceId, labelsOf(deviceId))))
  }

  function* fileDevices(): Generator<RegistryDevice> {
    for (const deviceId of [...shelf.devices.keys()].sort(byCodeUnit)) {
      const { profile, picture } = held(deviceId)
      const bytes = picture && store.bytes(KIND.picture, deviceId)
      yield { deviceId, ...profile, ...(picture && bytes && { picture: toDataUrl(picture.type, bytes) }) }
    }
  }

  function sharedOf(group: string) {
    return shelf.groups.get(group) ?? {}
  }

  return {
    load() {
      shelf.clear()
      let unreadable = 0
      const read = <T>(kind: string, parse: (body: string) => T | undefined, take: (name: string, value: T) => void) => {
        for (const { name, body } of store.all(kind)) {
          const value = parse(body)
          if (value === undefined) unreadable++
          else take(name, value)
        }
      }
      read(KIND.device, readDevice, shelf.setDevice)
      read(KIND.group, readShared, shelf.setGroup)
      read(KIND.site, readShared, (_, profile) => shelf.setSite(profile))
      revision++
      return { unreadable }
    },
    follow(kind, name, body) {
      if (kind === KIND.device) set(name, (body === undefined ? undefined : readDevice(body)) ?? NOTHING)()
      else if (kind === KIND.group) shelf.setGroup(name, (body === undefined ? undefined : readShared(body)) ?? {})
      else if (kind === KIND.site) shelf.setSite((body === undefined ? undefined : readShared(body)) ?? {})
      else return kind === KIND.picture
      revision++
      onWritten?.()
      return true
    },
    revision: () => revision,
    get,
    all: () => [...shelf.devices.keys()].sort(byCodeUnit).map(get),
    groups() {
      const counted = shelf.countByGroup()
      const names = [...new Set([...counted.keys(), ...shelf.groups.keys()])].sort(byCodeUnit)
      return names.map(name => ({ name, devices: counted.get(name) ?? 0, ...sharedOf(name) }))
    },
    places: () => Array.from(shelf.countByPlace(), ([name, devices]) => ({ name, devices })),
    members: shelf.members,
    groupOf: deviceId => shelf.devices.get(deviceId)?.profile.group,
    labelsOf,
    within,
    site: shelf.site,
    intervalSeconds(deviceId) {
      const { intervalSeconds, group } = held(deviceId).profile
      return intervalSeconds ?? (group === undefined ? undefined : sharedOf(group).intervalSeconds) ?? shelf.site().intervalSeconds
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
      const isSaid = shelf.devices.has(deviceId)
      const changes = isSaid ? [KIND.device, KIND.picture].map(kind => ({ kind, name: deviceId, body: null })) : []
      return write(changes, () => {
        if (isSaid) set(deviceId, NOTHING)()
      }, put)
    }),
    putPicture: (deviceId, bytes) => inTurn(async () => {
      const picture = bytes && pictureInfo(bytes, limits.pictureBytes)
      if (picture && 'code' in picture) return picture
      return replace(deviceId, { profile: held(deviceId).profile, picture: picture ?? undefined }, [{ kind: KIND.picture, name: deviceId, body: bytes }])
    }),
    putGroup: (group, profile) => inTurn(async () => {
      if (!shelf.groups.has(group) && shelf.groups.size >= limits.devices) return full(`Something is said about ${limits.devices} groups already; NUXT_LIMITS_DEVICES allows more.`)
      return write([{ kind: KIND.group, name: group, body: sharedDocument(profile) }], () => shelf.setGroup(group, profile))
    }),
    putSite: profile => inTurn(() => write([{ kind: KIND.site, name: '', body: sharedDocument(profile) }], () => shelf.setSite(profile))),
    exportFile: () => fileText({ site: shelf.site(), groups: [...shelf.groups].sort(([a], [b]) => byCodeUnit(a, b)).map(([name, profile]) => ({ name, ...profile })), devices: fileDevices() }),
    importFile: (file, dryRun) => inTurn(async () => {
      const plan = planImport(file, shelf, limits)
      if ('code' in plan) return plan
      if (!dryRun) {
        const refused = await write(plan.documents, () => {
          const tell = Array.from(plan.devices, ([deviceId, device]) => set(deviceId, device))
          for (const [group, profile] of plan.groups) shelf.setGroup(group, profile)
          shelf.setSite(plan.site)
          for (const each of tell) each()
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
