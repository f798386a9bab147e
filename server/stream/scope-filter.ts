import { createHash } from 'node:crypto'
import { isWithin, scopeKey } from '#shared/device/device-scope'
import type { DeviceScope } from '#shared/device/device-scope'
import type { LiveEvent } from './event-log'
import type { Grouping } from './subscription-filter'

const TAG_LENGTH = 8

/** What tells event ids of one reach from those of another: going on with other rights would leave gaps. */
export function tagOf(reach: DeviceScope | undefined): string | undefined {
  const key = scopeKey(reach)
  return key === undefined ? undefined : createHash('sha256').update(key).digest('base64url').slice(0, TAG_LENGTH)
}

/**
 * What somebody hears of events who may not see every device. Where a device belongs decides: of its `device` events what they say themselves,
 * so that one that leaves is withdrawn, and of all others where it belongs now.
 */
export function seenOf(events: readonly LiveEvent[], reach: DeviceScope, { labelsOf }: Grouping, broker: () => string): LiveEvent[] {
  return events.flatMap((event) => {
    const { type, deviceId, moved } = event
    if (type === 'broker') return { ...event, data: broker() }
    if (deviceId === undefined) return []
    if (isWithin(reach, deviceId, moved?.to ?? labelsOf(deviceId))) return event
    if (!moved || !isWithin(reach, deviceId, moved.from)) return []
    return { ...event, type: 'withdrawn', data: JSON.stringify({ deviceId }) }
  })
}

/** Whether a `device` event is the first that somebody hears of a device. */
export function hasAppeared({ deviceId, moved }: LiveEvent, reach: DeviceScope): boolean {
  return deviceId !== undefined && moved !== undefined && !isWithin(reach, deviceId, moved.from)
}
