import type { DeviceScope } from '#shared/device/device-scope'

/** Most characters of the address of a view. */
export const MAX_VIEW_LENGTH = 2_000
const DEVICE_PAGE = /^\/devices\/([^/]+)\/?$/

/** What an address of these pages shows: one device, or devices that have all of what is named. */
export interface SharedView { deviceId: string | undefined, group: string | undefined, place: string | undefined }

/** What the page at an address (path and query) shows, if it can be shared. Searches and filters choose among it, and change with every value. */
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

/** Whether a page belongs to the view at an address: a list has the pages of its devices with it. */
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
