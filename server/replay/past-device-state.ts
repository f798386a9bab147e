import type { DeviceState, PresenceChange } from '#shared/schemas/device'
import { copyPresence } from '#shared/device/device-state'
import { fromMicroseconds } from '#shared/time/time'
import type { DeviceStateAt } from '../history/queries/state-at'
import { fromStored } from '../history/engine/records'
import { toLatest } from '../history/engine/values'

/**
 * A device as the API has it, at a past moment. On this axis everything happens when it was measured: `lastSeen` is the time of the
 * newest message, for one that was handed in later would else be heard before it was. `now` is what is known of the device today:
 * of its state topic only the last word is kept, which tells of the past only what it has said since then.
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
