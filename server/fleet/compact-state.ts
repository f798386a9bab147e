import type { DeviceState, DeviceStatusChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { copyPresence, goesByTime, withStatus, withTelemetry } from '#shared/device/device-state'

/** No values: for a state whose values all come from the next message. */
const NONE: DeviceState['values'] = {}

/**
 * The state of a device in little memory. Most devices send all metrics in every message: then the values are
 * computed from the last message on demand.
 */
export class CompactDeviceState {
  /** Number of different metrics. */
  metrics = 0
  private lastSeen: DeviceState['lastSeen'] = null
  private telemetry: Telemetry
  /** Undefined: the values of `telemetry`. */
  private values: DeviceState['values'] | undefined = undefined
  private status: DeviceState['state'] = null
  private clock: DeviceState['clock'] = 'ok'
  presence: DeviceState['presence'] | undefined = undefined
  presenceSince: DeviceState['presenceSince'] | undefined = undefined
  intervalSeconds: DeviceState['intervalSeconds'] | undefined = undefined
  silentAfterSeconds: DeviceState['silentAfterSeconds'] | undefined = undefined

  constructor(device: DeviceState) {
    this.telemetry = device.lastTelemetry
    this.set(device)
  }

  get lastTelemetry(): Telemetry {
    return this.telemetry
  }

  get lastStatus(): DeviceState['state'] {
    return this.status
  }

  get hasWrongClock(): boolean {
    return this.clock === 'wrong'
  }

  /** How far the device's time is ahead of the receive time, in the message that shows the wrong clock. */
  get clockAheadMs(): number {
    const { telemetry, status } = this
    const aheadMs = Date.parse(telemetry.claimedTs ?? telemetry.ts) - Date.parse(telemetry.receivedAt)
    const isShownByStatus = telemetry.claimedTs === undefined && !telemetry.clock && status !== null
    return isShownByStatus ? Date.parse(status.claimedUpdatedAt ?? status.updatedAt) - Date.parse(status.receivedAt) : aheadMs
  }

  /** Never changes afterwards. */
  get device(): DeviceState {
    return this.with(this.values ?? valuesOf(this.telemetry))
  }

  /** The device after a message; undefined when that changes nothing. */
  afterTelemetry(telemetry: Telemetry): DeviceState | undefined {
    const before = this.isReplacedBy(telemetry) ? this.with(NONE) : this.device
    const after = withTelemetry(before, telemetry)
    return after === before ? undefined : after
  }

  /** The device after a message on its state topic; undefined when that changes nothing. */
  afterStatus(change: DeviceStatusChange): DeviceState | undefined {
    const before = this.device
    const after = withStatus(before, change)
    return after === before ? undefined : after
  }

  /** Becomes `device`. */
  set({ lastSeen, lastTelemetry, values, state, clock, presence, presenceSince, intervalSeconds, silentAfterSeconds }: DeviceState) {
    this.lastSeen = lastSeen
    this.telemetry = lastTelemetry
    this.values = isAllOf(lastTelemetry, values) ? undefined : values
    this.status = state
    this.clock = clock
    this.presence = presence
    this.presenceSince = presenceSince
    this.intervalSeconds = intervalSeconds
    this.silentAfterSeconds = silentAfterSeconds
    this.metrics = countKeys(values)
  }

  /** Whether this message replaces all values. */
  private isReplacedBy(telemetry: Telemetry): boolean {
    if (this.values || goesByTime(telemetry)) return false
    for (const name in this.telemetry.metrics) {
      if (!Object.hasOwn(telemetry.metrics, name)) return false
    }
    return true
  }

  private with(values: DeviceState['values']): DeviceState {
    const { telemetry, lastSeen, status, clock } = this
    const device: DeviceState = { deviceId: telemetry.deviceId, lastSeen, lastTelemetry: telemetry, values, state: status, clock }
    copyPresence(this, device)
    return device
  }
}

function valuesOf({ metrics, ts }: Telemetry): DeviceState['values'] {
  const values: DeviceState['values'] = {}
  for (const name in metrics) {
    const value = metrics[name]
    if (value !== undefined) values[name] = { value, ts }
  }
  return values
}

/** Whether these values are the same as {@link valuesOf} of the message. */
function isAllOf({ metrics, ts, exact, absent }: Telemetry, values: DeviceState['values']): boolean {
  if (exact || absent) return false
  let held = 0
  for (const name in values) {
    const value = values[name]
    if (!Object.hasOwn(metrics, name) || value?.ts !== ts || !Object.is(value.value, metrics[name])) return false
    held++
  }
  return held === countKeys(metrics)
}

/** `Object.keys` would allocate an array for every message. */
export function countKeys(record: object): number {
  let count = 0
  for (const _ in record) count++
  return count
}
