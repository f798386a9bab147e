import { createError } from 'h3'
import type { H3Event } from 'h3'
import type { RouteKey } from '#shared/api/access'
import { isWithin } from '#shared/device/device-scope'
import type { Labels, DeviceScope } from '#shared/device/device-scope'
import { accessError, visitorFor } from './access'
import { pathSegmentAfter } from './h3-guards'
import { useLeitstand } from './leitstand'

/** The visitor's device scope; undefined: everything. */
export function deviceScopeFor(event: H3Event): DeviceScope | undefined {
  return visitorFor(event).principal?.deviceScope
}

/** Returns whether the visitor may see a device; undefined: every device. */
export function canSeeFor(event: H3Event): ((deviceId: string) => boolean) | undefined {
  const deviceScope = deviceScopeFor(event)
  return deviceScope && (deviceId => isWithin(deviceScope, deviceId, useLeitstand().registry.labelsOf(deviceId)))
}

/** The devices that the visitor may see; undefined: all. */
export function devicesFor(event: H3Event): ReadonlySet<string> | undefined {
  const deviceScope = deviceScopeFor(event)
  return deviceScope && useLeitstand().registry.within(deviceScope)
}

/** Refuses a device or group named in the path that the visitor may not know of: its existence is not revealed. */
export function requireVisible(event: H3Event, key: RouteKey) {
  const deviceScope = deviceScopeFor(event)
  const path = key.split(' ')[1] ?? ''
  if (!deviceScope || !path.includes('{')) return
  const prefix = path.slice(0, path.indexOf('{'))
  const isOfDevice = path.startsWith('{deviceId}', prefix.length)
  if (isOfDevice && !canSeeFor(event)?.(pathSegmentAfter(event, prefix))) throw invisibleError(event)
  const isOfGroup = path.startsWith('{group}', prefix.length)
  if (isOfGroup) requireLabels(event, { group: pathSegmentAfter(event, prefix).trim() })
}

/** Refuses changes to devices with labels outside the scope. */
export function requireLabels(event: H3Event, labels: Labels) {
  const deviceScope = deviceScopeFor(event)
  if (!deviceScope || isWithin({ ...deviceScope, devices: undefined }, '', labels)) return
  throw accessError(
    event,
    { status: 403, code: 'groups-limited', message: 'Your rights are limited to devices of other groups.' },
  )
}

/** The same answer for an unknown device and one that the visitor may not know of. */
export function invisibleError(event: H3Event) {
  event.context.isInvisible = true
  return createError({
    statusCode: 404,
    message: 'There is no such device, or it is not among those that you may see.',
    data: { code: 'device-unknown' },
  })
}

/** The number of devices of each label. */
export function countBy(
  devices: Iterable<string>,
  labelOf: (deviceId: string) => string | undefined,
): Map<string, number> {
  const counts = new Map<string, number>()
  for (const deviceId of devices) {
    const label = labelOf(deviceId)
    if (label !== undefined) counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  return counts
}
