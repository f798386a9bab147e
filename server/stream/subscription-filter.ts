import type { StreamRequest } from '#shared/schemas/events'
import { isWithin } from '#shared/device/device-scope'
import type { Labels, DeviceScope } from '#shared/device/device-scope'

/** The groups as people have set them up; read each time, so that a change counts at once. */
export interface Grouping {
  groupOf: (deviceId: string) => string | undefined
  members: (group: string) => ReadonlySet<string>
  labelsOf: (deviceId: string) => Labels
  /** The devices that may be seen; undefined: all. */
  within: (deviceScope: DeviceScope) => ReadonlySet<string> | undefined
}

/** The devices of a subscription: those it names, and all in the groups it names. Neither: all. */
export interface Subscription {
  devices: ReadonlySet<string> | undefined
  groups: ReadonlySet<string> | undefined
}

/** A subscription limited to a device scope; undefined: everything. */
export interface ScopedSubscription extends Subscription { deviceScope: DeviceScope | undefined }

/**
 * Returns whether a device is wanted and may be seen; undefined: every device is. A lookup or two, for it runs for
 * every event.
 */
export function wantedBy(
  { deviceScope, ...interest }: ScopedSubscription,
  grouping: Grouping,
): ((deviceId: string) => boolean) | undefined {
  const isAsked = askedBy(interest, grouping)
  const sees = visibilityOf(deviceScope, grouping)
  return sees && isAsked ? deviceId => sees(deviceId) && isAsked(deviceId) : sees ?? isAsked
}

/** Returns whether a device may be seen; undefined: every device may. */
export function visibilityOf(
  deviceScope: DeviceScope | undefined,
  { labelsOf }: Grouping,
): ((deviceId: string) => boolean) | undefined {
  return deviceScope && (deviceId => isWithin(deviceScope, deviceId, labelsOf(deviceId)))
}

function askedBy({ devices, groups }: Subscription, { groupOf }: Grouping): ((deviceId: string) => boolean) | undefined {
  if (groups) return deviceId => isIn(groups, groupOf(deviceId)) || devices?.has(deviceId) === true
  return devices && (deviceId => devices.has(deviceId))
}

/** The devices that are wanted now and may be seen; undefined: all. */
export function devicesOf(
  { deviceScope, ...interest }: ScopedSubscription,
  grouping: Grouping,
): ReadonlySet<string> | undefined {
  const asked = askedFor(interest, grouping)
  const sees = visibilityOf(deviceScope, grouping)
  if (!deviceScope || !sees) return asked
  return asked ? new Set([...asked].filter(sees)) : grouping.within(deviceScope)
}

function askedFor({ devices, groups }: Subscription, { members }: Grouping): ReadonlySet<string> | undefined {
  if (!groups) return devices
  const found = new Set(devices)
  for (const group of groups) {
    for (const deviceId of members(group)) found.add(deviceId)
  }
  return found
}

export function isIn(groups: ReadonlySet<string>, group: string | undefined): boolean {
  return group !== undefined && groups.has(group)
}

export function subscriptionOf({ devices, groups }: Extract<StreamRequest, { type: 'subscribe' }>): Subscription {
  return { devices: devices ? new Set(devices) : undefined, groups: groups && new Set(groups) }
}
