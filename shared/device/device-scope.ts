/** The labels of a device, from its profile. */
export interface Labels { group?: string | undefined, place?: string | undefined }

/** A limit of visible devices: those that satisfy all of it. `undefined` limits nothing; an empty set leaves none. */
export interface DeviceScope {
  groups: ReadonlySet<string> | undefined
  places: ReadonlySet<string> | undefined
  devices: ReadonlySet<string> | undefined
}

/** The scope of an account's or a token's groups; no groups is no limit. */
export function scopeOfGroups(groups: readonly string[]): DeviceScope | undefined {
  return groups.length === 0 ? undefined : { groups: new Set(groups), places: undefined, devices: undefined }
}

/** The devices that are in both scopes. */
export function narrowed(a: DeviceScope | undefined, b: DeviceScope | undefined): DeviceScope | undefined {
  if (!a || !b) return a ?? b
  return { groups: common(a.groups, b.groups), places: common(a.places, b.places), devices: common(a.devices, b.devices) }
}

/** Whether a device with these labels is among those that may be seen. */
export function isWithin({ groups, places, devices }: DeviceScope, deviceId: string, { group, place }: Labels): boolean {
  return (!devices || devices.has(deviceId)) && isIn(groups, group) && isIn(places, place)
}

/** Whether it excludes no device: a share link to everything still has a scope, for its other limits. */
export function isEndless({ groups, places, devices }: DeviceScope): boolean {
  return !groups && !places && !devices
}

/** Equal for equal scopes; undefined without a limit. */
export function scopeKey(deviceScope: DeviceScope | undefined): string | undefined {
  if (!deviceScope) return undefined
  const { groups, places, devices } = deviceScope
  return JSON.stringify([groups, places, devices].map(set => set ? [...set].sort() : null))
}

function isIn(limit: ReadonlySet<string> | undefined, label: string | undefined): boolean {
  return !limit || (label !== undefined && limit.has(label))
}

function common(a: ReadonlySet<string> | undefined, b: ReadonlySet<string> | undefined): ReadonlySet<string> | undefined {
  if (!a || !b) return a ?? b
  return new Set([...a].filter(name => b.has(name)))
}
