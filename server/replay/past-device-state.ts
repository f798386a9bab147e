import type { DeviceState, PresenceChange } from '#shared/schemas/device'
import { copyPresence } from '#shared/device/device-state'
import { fromMicroseconds } from '#shared/time/time'
import type { DeviceStateAt } from '../history/queries/state-at'
import { fromStored } from '../history/engine/records'
import { toLatest } from '../history/engine/values'

/**
 * A device as the API returns it, at a past time. On this axis everything happens when it was measured: `lastSeen` is
 * the time of the newest message, otherwise a late message would count before it was measured. `now` is the device
 * today: only the last message of its state topic is stored, which is valid only since it was sent.
 */
export function pastDeviceState(deviceId: string, { last, values, wrongClock }: DeviceStateAt, at: number, now: DeviceState | undefined, presence: PresenceChange): DeviceState {
  const state: DeviceState = {
    deviceId,
    lastSeen: fromMicroseconds(last.time),
    lastTelemetry: fromStored(deviceId, last),
    values: Object.fromEntries([...values].map(([name, sample]) => [name, toLatest(sample.value, fromMicroseconds(sample.time))])),
    state: now?.state && Date.parse(now.state.updatedAt) * 1_000 <= at ? now.state : null,
    clock: wrongClock ? 'wrong' : 'ok',
  }
  copyPresence({ ...presence, presenceSince: presence.since }, state)
  return state
}
