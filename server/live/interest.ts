import type { StreamRequest } from '#shared/schemas/events'

/** What groups there are, as people have set them up; asked anew each time, so that a change counts at once. */
export interface Grouping {
  groupOf: (deviceId: string) => string | undefined
  members: (group: string) => ReadonlySet<string>
}

/** Which devices a client wants to hear of: those it names, and whoever is in the groups it names. Neither: all. */
export interface Interest {
  devices: ReadonlySet<string> | undefined
  groups: ReadonlySet<string> | undefined
}

/** Tells whether a device is wanted; undefined: every one is. A lookup or two, for it is asked for every event. */
export function wantedBy({ devices, groups }: Interest, { groupOf }: Grouping): ((deviceId: string) => boolean) | undefined {
  if (groups) return deviceId => isIn(groups, groupOf(deviceId)) || devices?.has(deviceId) === true
  return devices && (deviceId => devices.has(deviceId))
}

/** The devices that are wanted now; undefined: all. */
export function devicesOf({ devices, groups }: Interest, { members }: Grouping): ReadonlySet<string> | undefined {
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

export function interestOf({ devices, groups }: Extract<StreamRequest, { type: 'subscribe' }>): Interest {
  return { devices: devices ? new Set(devices) : undefined, groups: groups && new Set(groups) }
}
