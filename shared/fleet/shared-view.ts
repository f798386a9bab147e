import type { DeviceScope } from '#shared/device/device-scope'

/** Most characters of the address of a view. */
export const MAX_VIEW_LENGTH = 2_000
const DEVICE_PAGE = /^\/devices\/([^/]+)\/?$/

/** What a page's address shows: one device, or the devices that have all named labels. */
export interface SharedView { deviceId: string | undefined, group: string | undefined, place: string | undefined }

/**
 * The view of a page (path and query), if it can be shared. Searches and filters are not part of it, and change with
 * every value.
 */
export function sharedView(address: string): SharedView | undefined {
  const [path = '', query = ''] = address.split(/\?(.*)/s)
  const [, name] = DEVICE_PAGE.exec(path) ?? []
  const deviceId = name === undefined ? undefined : decoded(name)
  if (path !== '/' && deviceId === undefined) return undefined
  const parameters = new URLSearchParams(deviceId === undefined ? query : '')
  return { deviceId, group: parameters.get('group') || undefined, place: parameters.get('place') || undefined }
}

/** The devices of a view. */
export function scopeOfView({ deviceId, group, place }: SharedView): DeviceScope {
  const only = (name: string | undefined) => name === undefined ? undefined : new Set([name])
  return { groups: only(group), places: only(place), devices: only(deviceId) }
}

/** Whether a page belongs to the view at an address: a list includes the pages of its devices. */
export function isOfView(address: string, path: string): boolean {
  const view = sharedView(address)
  if (!view) return false
  const [, name] = DEVICE_PAGE.exec(path) ?? []
  if (view.deviceId !== undefined) return name !== undefined && decoded(name) === view.deviceId
  return path === '/' || name !== undefined
}

/** The encoding of an address may be broken. */
function decoded(name: string): string | undefined {
  try {
    return decodeURIComponent(name)
  }
  catch {
    return undefined
  }
}
