// Owns what is decided once about a message, when it comes, and travels with it: whether it is the newest of its device, and whether
// the device's clock is wrong. Promises the same verdict to the store, the stream and every replica.
import type { DeviceStatusChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { isOlder, isUndated, saysGone } from '#shared/device/device-state'
import { toMicroseconds } from '#shared/time/time'
import type { Fleet } from './fleet'
import { createLateData } from './late-data'
import { judgedIntervalMs } from './presence/interval-report'

export interface OrderDecisionOptions {
  fleet: Pick<Fleet, 'findKept'>
  /** How far behind the server's clock a device's time may lie and still be right. */
  behindMs: number
  /** What is accepted reaches the fleet only later, with the log that all replicas follow. */
  isShared: boolean
  /** A message that was taken for late data is the newest after all: it is to be told again. */
  onNewest: (telemetry: Telemetry) => void
}

export interface OrderDecisions {
  /** Marks a message. @param time Its `ts` in microseconds since 1970. */
  onTelemetry: (telemetry: Telemetry, time: number, receivedMs: number) => void
  onStatus: (change: DeviceStatusChange, receivedMs: number) => void
  /** @param resumed The broker kept what came while nobody listened. */
  connected: (resumed: boolean, nowMs: number) => void
  /** Nothing more comes: what was doubtful is decided. */
  settle: () => void
}

export function createOrderDecisions({ fleet, behindMs, isShared, onNewest }: OrderDecisionOptions): OrderDecisions {
  const away = createAway()
  const underway = createUnderway()
  const lateData = createLateData({
    intervalOf(deviceId) {
      const kept = fleet.findKept(deviceId)
      return kept && judgedIntervalMs(kept)
    },
    onNewest: tellNewest,
  })

  /** What a device said last. */
  function heldOf(deviceId: string): Telemetry | undefined {
    const kept = fleet.findKept(deviceId)
    const held = kept && kept.metrics > 0 ? kept.lastTelemetry : undefined
    return isShared ? underway.newer(deviceId, held) : held
  }

  /** `time` in microseconds since 1970. */
  function isBehind(time: number, receivedMs: number): boolean {
    return receivedMs - time / 1_000 > behindMs && !away.explains(time / 1_000, receivedMs)
  }

  function tellNewest(told: Telemetry) {
    // Another replica may have heard the device since.
    const held = isShared ? heldOf(told.deviceId) : undefined
    if (held && isOlder(told.receivedAt, held.receivedAt)) return
    const telemetry: Telemetry = { ...told, late: false }
    if (!isUndated(told) && isBehind(toMicroseconds(told.ts), Date.parse(told.receivedAt))) telemetry.clock = 'wrong'
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
      away.heard(receivedMs)
    },
    onStatus(change, receivedMs) {
      const { deviceId, status, replayed, updatedAt } = change
      // One that is said again was not measured anew, and a last will is as old as the connection.
      const isNews = !replayed && status !== null && !saysGone(status) && fleet.findKept(deviceId)?.lastStatus?.status !== status
      if (isNews && isBehind(toMicroseconds(updatedAt), receivedMs)) change.clock = 'wrong'
      away.heard(receivedMs)
    },
    connected: away.connected,
    settle: lateData.settle,
  }
}

/** Devices whose last message may not have come back with the log yet. */
const MAX_UNDERWAY = 20_000

/** What this replica has appended to the log and not yet taken from it: the next message of the device is compared with that. */
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

/** So long after a session was resumed the broker may still be handing over what came while we were away. */
const HANDED_OVER_MS = 30_000

/** Messages from while nobody listened are old because of that, not because of their device's clock. */
function createAway() {
  let heardMs: number | undefined
  let awayFrom = Infinity
  let until = -Infinity
  return {
    heard(receivedMs: number) {
      if (receivedMs > until) heardMs = receivedMs
    },
    connected(resumed: boolean, nowMs: number) {
      until = resumed ? nowMs + HANDED_OVER_MS : -Infinity
      awayFrom = heardMs ?? -Infinity
    },
    explains: (timeMs: number, receivedMs: number) => receivedMs <= until && timeMs >= awayFrom,
  }
}
