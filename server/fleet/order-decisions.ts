// Owns the decisions that are made once about a message, on arrival, and are stored with it: whether it is the newest
// of its device, and whether the device's clock is wrong. Promises the same decision to the store, the stream and
// every replica. Never changes a device.
import type { DeviceStatusChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { isOlder, isUndated, saysGone } from '#shared/device/device-state'
import { toMicroseconds } from '#shared/time/time'
import type { Fleet } from './fleet'
import { createLateData } from './late-data'
import { judgedIntervalMs } from './presence/interval-report'

export interface OrderDecisionOptions {
  fleet: Pick<Fleet, 'findRecord'>
  /** How far behind the server's clock a device's time may be and still count as right. */
  behindMs: number
  /** Accepted messages reach the fleet only later, through the log that all replicas follow. */
  isShared: boolean
  /** A message that was taken for late data is the newest after all: it must be published again. */
  onNewest: (telemetry: Telemetry) => void
}

export interface OrderDecisions {
  /** Marks a message. @param time Its `ts` in microseconds since 1970. */
  onTelemetry: (telemetry: Telemetry, time: number, receivedMs: number) => void
  onStatus: (change: DeviceStatusChange, receivedMs: number) => void
  /** @param resumed The broker has stored what came while the server was not connected. */
  connected: (resumed: boolean, nowMs: number) => void
  /** Nothing more comes: doubtful messages are decided now. */
  settle: () => void
}

export function createOrderDecisions({ fleet, behindMs, isShared, onNewest }: OrderDecisionOptions): OrderDecisions {
  const absence = createAbsence()
  const underway = createUnderway()
  const lateData = createLateData({
    intervalOf(deviceId) {
      const record = fleet.findRecord(deviceId)
      return record && judgedIntervalMs(record)
    },
    onNewest: reportNewest,
  })

  /** The last message of a device. */
  function heldOf(deviceId: string): Telemetry | undefined {
    const record = fleet.findRecord(deviceId)
    const held = record && record.metrics > 0 ? record.lastTelemetry : undefined
    return isShared ? underway.newer(deviceId, held) : held
  }

  /** `time` in microseconds since 1970. */
  function isBehind(time: number, receivedMs: number): boolean {
    return receivedMs - time / 1_000 > behindMs && !absence.explains(time / 1_000, receivedMs)
  }

  function reportNewest(doubtful: Telemetry) {
    // Another replica may have received a newer one since.
    const held = isShared ? heldOf(doubtful.deviceId) : undefined
    if (held && isOlder(doubtful.receivedAt, held.receivedAt)) return
    const telemetry: Telemetry = { ...doubtful, late: false }
    const hasWrongClock = !isUndated(doubtful)
      && isBehind(toMicroseconds(doubtful.ts), Date.parse(doubtful.receivedAt))
    if (hasWrongClock) telemetry.clock = 'wrong'
    if (isShared) underway.note(telemetry)
    onNewest(telemetry)
  }

  return {
    onTelemetry(telemetry, time, receivedMs) {
      if (lateData.isLate(telemetry, heldOf(telemetry.deviceId), receivedMs)) {
        telemetry.late = true
      }
      else if (!telemetry.replayed) {
        if (isBehind(time, receivedMs)) telemetry.clock = 'wrong'
        if (isShared) underway.note(telemetry)
      }
      absence.received(receivedMs)
    },
    onStatus(change, receivedMs) {
      const { deviceId, status, replayed, updatedAt } = change
      // A replayed message was not measured anew, and a last will is as old as the connection.
      const isNews = !replayed
        && status !== null
        && !saysGone(status)
        && fleet.findRecord(deviceId)?.lastStatus?.status !== status
      if (isNews && isBehind(toMicroseconds(updatedAt), receivedMs)) change.clock = 'wrong'
      absence.received(receivedMs)
    },
    connected: absence.connected,
    settle: lateData.settle,
  }
}

/** Devices whose last message may not have come back through the log yet. */
const MAX_UNDERWAY = 20_000

/**
 * What this replica has appended to the log and not read back yet: the device's next message is compared with that.
 */
function createUnderway() {
  const last = new Map<string, Telemetry>()
  return {
    note(telemetry: Telemetry) {
      last.delete(telemetry.deviceId)
      last.set(telemetry.deviceId, telemetry)
      if (last.size <= MAX_UNDERWAY) return
      for (const oldest of last.keys()) {
        last.delete(oldest)
        break
      }
    },
    newer(deviceId: string, held: Telemetry | undefined): Telemetry | undefined {
      const own = last.get(deviceId)
      if (!own || !held || isOlder(held.receivedAt, own.receivedAt)) return own ?? held
      if (held.receivedAt !== own.receivedAt) last.delete(deviceId)
      return held.receivedAt === own.receivedAt ? own : held
    },
  }
}

/** For this long after a session was resumed, the broker may still deliver what came while we were not connected. */
const HANDED_OVER_MS = 30_000

/**
 * Messages from while the server was not connected are old for that reason, not because the device's clock is wrong.
 */
function createAbsence() {
  let heardMs: number | undefined
  let absentFrom = Infinity
  let until = -Infinity
  return {
    received(receivedMs: number) {
      if (receivedMs > until) heardMs = receivedMs
    },
    connected(resumed: boolean, nowMs: number) {
      until = resumed ? nowMs + HANDED_OVER_MS : -Infinity
      absentFrom = heardMs ?? -Infinity
    },
    explains: (timeMs: number, receivedMs: number) => receivedMs <= until && timeMs >= absentFrom,
  }
}
