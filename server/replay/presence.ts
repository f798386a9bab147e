import type { Presence, PresenceChange } from '#shared/schemas/device'
import { createReportingIntervals } from '../fleet/presence/reporting-interval'
import { reportedInterval } from '../fleet/presence/interval-report'

const SECOND_MS = 1_000

interface Known { deviceId: string, presence: Presence, sinceMs: number }

/**
 * The presence of devices at past times, by the same rules as now (`server/fleet/presence/reporting-interval.ts`),
 * learned from the messages right before. Times without a connection, and published last wills, are not known for the
 * past. Times in milliseconds.
 */
export function createPastPresence(intervalOf: (deviceId: string) => number | undefined) {
  let intervals = createReportingIntervals()
  let numbers = new Map<string, number>()
  let devices: Known[] = []

  function judge(device: number, nowMs: number): Pick<Known, 'presence' | 'sinceMs'> {
    const heardMs = intervals.heardAt(device)
    const lateMs = heardMs + intervals.lateAfter(device)
    const silentMs = heardMs + intervals.silentAfter(device)
    if (nowMs >= silentMs) return { presence: 'silent', sinceMs: silentMs }
    return nowMs >= lateMs ? { presence: 'late', sinceMs: lateMs } : { presence: 'live', sinceMs: heardMs }
  }

  function changeOf(device: number, { deviceId, presence, sinceMs }: Known): PresenceChange {
    return { deviceId, presence, since: new Date(sinceMs).toISOString(), ...reportedInterval(intervals, device) }
  }

  function add(deviceId: string, firstMs: number): number {
    const held = numbers.get(deviceId)
    const device = held ?? devices.push({ deviceId, presence: 'live', sinceMs: firstMs }) - 1
    if (held === undefined) numbers.set(deviceId, device)
    intervals.add(device, firstMs, (intervalOf(deviceId) ?? 0) * SECOND_MS)
    return device
  }

  return {
    /** Forgets everything. */
    clear() {
      intervals = createReportingIntervals()
      numbers = new Map()
      devices = []
    },
    /** Takes a device as it was at a time, and when its newest messages (at least one) were measured. */
    begin(deviceId: string, times: readonly number[], nowMs: number): PresenceChange {
      const [first = nowMs, ...others] = times
      const device = add(deviceId, first)
      for (const time of others) intervals.hear(device, time)
      const known = { deviceId, ...judge(device, nowMs) }
      if (known.presence === 'live') known.sinceMs = first
      devices[device] = known
      return changeOf(device, known)
    },
    /** A message was measured. */
    heard(deviceId: string, atMs: number) {
      const device = numbers.get(deviceId)
      if (device === undefined) add(deviceId, atMs)
      else intervals.hear(device, atMs)
    },
    /** Devices that have become silent up to a time, or have come back. */
    changes(nowMs: number): PresenceChange[] {
      return devices.flatMap((known, device) => {
        const { presence, sinceMs } = judge(device, nowMs)
        if (presence === known.presence) return []
        known.presence = presence
        known.sinceMs = sinceMs
        return changeOf(device, known)
      })
    },
  }
}
