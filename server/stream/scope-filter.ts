import { createHash } from 'node:crypto'
import { isWithin, scopeKey } from '#shared/device/device-scope'
import type { DeviceScope } from '#shared/device/device-scope'
import type { LiveEvent } from './event-log'
import type { Grouping } from './subscription-filter'

const TAG_LENGTH = 8

/** Distinguishes event ids of one scope from those of another: resuming with other rights would leave gaps. */
export function tagOf(deviceScope: DeviceScope | undefined): string | undefined {
  const key = scopeKey(deviceScope)
  return key === undefined ? undefined : createHash('sha256').update(key).digest('base64url').slice(0, TAG_LENGTH)
}

/**
 * What a client that may not see every device gets. `device` events count by where the device was and is, so that one
 * that leaves is withdrawn; all other events count by where the device is now.
 */
export function seenOf(
  events: readonly LiveEvent[],
  deviceScope: DeviceScope,
  { labelsOf }: Grouping,
  broker: () => string,
): LiveEvent[] {
  return events.flatMap((event) => {
    const { type, deviceId, moved } = event
    if (type === 'broker') return { ...event, data: broker() }
    if (deviceId === undefined) return []
    if (isWithin(deviceScope, deviceId, moved?.to ?? labelsOf(deviceId))) return event
    if (!moved || !isWithin(deviceScope, deviceId, moved.from)) return []
    return { ...event, type: 'withdrawn', data: JSON.stringify({ deviceId }) }
  })
}

/** Whether a `device` event is the first that a client gets of a device. */
export function hasAppeared({ deviceId, moved }: LiveEvent, deviceScope: DeviceScope): boolean {
  return deviceId !== undefined && moved !== undefined && !isWithin(deviceScope, deviceId, moved.from)
}
