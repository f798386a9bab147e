import { createError } from 'h3'
import type { H3Event } from 'h3'
import type { RouteKey } from '#shared/api/access'
import { isWithin } from '#shared/device/device-scope'
import type { Labels, DeviceScope } from '#shared/device/device-scope'
import { accessError, visitorFor } from './access'
import { pathSegmentAfter } from './h3-guards'
import { useLeitstand } from './leitstand'

/** What the asker may see; undefined: everything. */
export function reachFor(event: H3Event): DeviceScope | undefined {
  return visitorFor(event).principal?.reach
}

/** Tells whether the asker may see a device; undefined: every one. */
export function sightFor(event: H3Event): ((deviceId: string) => boolean) | undefined {
  const reach = reachFor(event)
  return reach && (deviceId => isWithin(reach, deviceId, useLeitstand().registry.labelsOf(deviceId)))
}

/** The devices that the asker may see; undefined: all. */
export function devicesFor(event: H3Event): ReadonlySet<string> | undefined {
  const reach = reachFor(event)
  return reach && useLeitstand().registry.within(reach)
}

/** Refuses what is named in the path, if the asker may not know of it: whether it is there is not told. */
export function requireReach(event: H3Event, key: RouteKey) {
  const reach = reachFor(event)
  const path = key.split(' ')[1] ?? ''
  if (!reach || !path.includes('{')) return
  const prefix = path.slice(0, path.indexOf('{'))
  if (path.startsWith('{deviceId}', prefix.length) && !sightFor(event)?.(pathSegmentAfter(event, prefix))) throw outOfReach(event)
  if (path.startsWith('{group}', prefix.length)) requireLabels(event, { group: pathSegmentAfter(event, prefix).trim() })
}

/** Refuses to have anything to do with devices that belong there. */
export function requireLabels(event: H3Event, labels: Labels) {
  const reach = reachFor(event)
  if (!reach || isWithin({ ...reach, devices: undefined }, '', labels)) return
  throw accessError(event, { status: 403, code: 'groups-limited', message: 'Your rights are limited to devices of other groups.' })
}

/** The same answer for a device that is not there as for one that the asker may not know of. */
export function outOfReach(event: H3Event) {
  event.context.isOutOfReach = true
  return createError({ statusCode: 404, message: 'There is no such device, or it is not among those that you may see.', data: { code: 'device-unknown' } })
}

/** How many devices there are of each label. */
export function countBy(devices: Iterable<string>, labelOf: (deviceId: string) => string | undefined): Map<string, number> {
  const counts = new Map<string, number>()
  for (const deviceId of devices) {
    const label = labelOf(deviceId)
    if (label !== undefined) counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  return counts
}
