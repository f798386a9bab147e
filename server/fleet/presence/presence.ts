// Owns the presence of each device: `live`, `late`, `silent`, `offline` (it signed off) or `unknown` (not heard since
// the server started). Promises that a device is shown silent within three of its own intervals, that replayed
// messages make no device live, and that time without a connection does not count. Never sets a timer per device: one
// pass checks one number per device.
import type { DeviceState, DeviceStatusChange, Presence, PresenceChange, PresenceCounts } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { saysGone } from '#shared/device/device-state'
import { createUptimeClock } from './uptime-clock'
import { createReportingIntervals } from './reporting-interval'
import { restoreInterval, reportedInterval } from './interval-report'

/** How often the devices are checked, and so how late a silence may be noticed. */
const SWEEP_EVERY_MS = 100
/** At most this many changes are reported before other work runs. */
export const CHANGES_PER_SWEEP = 2_000
/** A silence limit is reported again when it has changed by this factor, together with the interval. */
const NEW_LIMIT = 1.15
/** The same for the interval alone: the mean of random gaps varies by a fifth and more. */
const NEW_INTERVAL = 1.5
const SECOND_MS = 1_000

const STATES = ['unknown', 'live', 'late', 'silent', 'offline'] as const satisfies readonly Presence[]
const [UNKNOWN, LIVE, LATE, SILENT, OFFLINE] = [0, 1, 2, 3, 4]

/**
 * The numbers stored per device beside its interval: its state, since when, the last reported interval and limit
 * (ms), whether it was heard.
 */
const STATE = 0
const SINCE = 1
const REPORTED_INTERVAL = 2
const REPORTED_LIMIT = 3
const WAS_HEARD = 4
const NUMBERS = 5

export interface PresenceOptions {
  /** `isTurn`: the state has changed; otherwise only the interval is known better. */
  onChange: (change: PresenceChange, isTurn: boolean) => void
  /** The configured interval in seconds of a device, its group or the site; `undefined`: it is learned. */
  intervalOf?: (deviceId: string) => number | undefined
  /** False: another replica decides who is late or silent; here only time passes. */
  isPresenceAuthority?: () => boolean
  /** The server's time in milliseconds since 1970. */
  now?: () => number
  startMs?: number
  sweepEveryMs?: number
}

export interface PresenceWatch {
  /** Takes a message that the fleet has accepted, live or replayed. */
  take: (message: Telemetry | DeviceStatusChange, receivedAtMs: number) => void
  /** A sign of life. */
  heard: (deviceId: string, receivedAtMs: number) => void
  /** Restores a device from an earlier start: nothing has been heard of it since. */
  restore: (device: DeviceState) => void
  /** A message from before the start, in order: only the interval is learned from it. */
  learn: (message: Telemetry | DeviceStatusChange) => void
  /** Finds devices that have become silent; true: there are more, call it again soon. */
  sweep: (nowMs: number) => boolean
  /** A presence that another replica has decided: nothing is reported. */
  follow: (change: PresenceChange) => void
  /** Reports each device whose presence differs from the one elsewhere. */
  reportDifferences: (elsewhere: (deviceId: string) => Presence | undefined) => void
  /** Nothing was received for long: all devices are unknown, except those that signed off. */
  restart: (nowMs: number) => void
  /** The number of devices per presence. */
  counts: () => PresenceCounts
  /** Whether messages can arrive, from now on. */
  listen: (isListening: boolean, nowMs: number) => void
  /** As if it had never been heard. */
  forget: (deviceId: string) => void
  /** Reads the configured intervals again. */
  reconsider: (nowMs: number) => void
  start: () => void
  stop: () => void
}

export function createPresence({
  onChange,
  intervalOf,
  isPresenceAuthority = () => true,
  now: timeNow = Date.now,
  startMs = timeNow(),
  sweepEveryMs = SWEEP_EVERY_MS,
}: PresenceOptions): PresenceWatch {
  const numbers = new Map<string, number>()
  const names: string[] = []
  /** Numbers of deleted devices. */
  const free: number[] = []
  const intervals = createReportingIntervals()
  const clock = createUptimeClock(startMs, 2 * sweepEveryMs)
  let facts = new Float64Array(64 * NUMBERS)
  /** When a device must be judged again, by the uptime clock; Infinity: not before it is heard. */
  let deadlines = new Float64Array(64).fill(Infinity)
  let next = 0
  let timer: NodeJS.Timeout | undefined

  function add(deviceId: string, atMs: number): number {
    const device = free.pop() ?? names.length
    names[device] = deviceId
    numbers.set(deviceId, device)
    if (device >= deadlines.length) {
      facts = larger(facts, 0)
      deadlines = larger(deadlines, Infinity)
    }
    intervals.add(device, atMs, (intervalOf?.(deviceId) ?? 0) * SECOND_MS)
    return device
  }

  function stateOf(device: number): number {
    return facts[device * NUMBERS + STATE] ?? UNKNOWN
  }

  function change(device: number, state: number, sinceMs: number) {
    facts[device * NUMBERS + STATE] = state
    facts[device * NUMBERS + SINCE] = sinceMs
    report(device, true)
  }

  function report(device: number, isTurn: boolean) {
    noteReported(device)
    onChange({
      deviceId: names[device] ?? '',
      presence: STATES[stateOf(device)] ?? 'unknown',
      since: new Date(facts[device * NUMBERS + SINCE] ?? 0).toISOString(),
      ...reportedInterval(intervals, device),
    }, isTurn)
  }

  function noteReported(device: number) {
    facts[device * NUMBERS + REPORTED_INTERVAL] = intervals.observed(device)
    facts[device * NUMBERS + REPORTED_LIMIT] = intervals.silentAfter(device)
  }

  /** The interval is known better now: nothing else has changed. */
  function reportInterval(device: number) {
    const isKnown = isNear(intervals.silentAfter(device), facts[device * NUMBERS + REPORTED_LIMIT] ?? 0, NEW_LIMIT)
      && isNear(intervals.observed(device), facts[device * NUMBERS + REPORTED_INTERVAL] ?? 0, NEW_INTERVAL)
    if (!isKnown) report(device, false)
  }

  function heard(deviceId: string, receivedAtMs: number) {
    const now = clock.at(receivedAtMs)
    const device = numbers.get(deviceId) ?? add(deviceId, now)
    const state = stateOf(device)
    if (state === UNKNOWN || state === OFFLINE) intervals.begin(device, now)
    else intervals.hear(device, now)
    deadlines[device] = now + intervals.lateAfter(device)
    if (state === LIVE) return reportInterval(device)
    facts[device * NUMBERS + WAS_HEARD] = 1
    change(device, LIVE, receivedAtMs)
  }

  /** A state message that is no sign of life, or a replayed message. */
  function noteIndirect(message: Telemetry | DeviceStatusChange, receivedAtMs: number) {
    const known = numbers.get(message.deviceId)
    const device = known ?? add(message.deviceId, clock.at(receivedAtMs))
    if (isGone(message)) {
      deadlines[device] = Infinity
      if (stateOf(device) !== OFFLINE) change(device, OFFLINE, receivedAtMs)
    }
    else if (known === undefined) {
      change(device, UNKNOWN, receivedAtMs)
    }
    else if ('status' in message && stateOf(device) === OFFLINE) {
      // It is no longer reported as signed off, but it has not sent anything either.
      const wasHeard = facts[device * NUMBERS + WAS_HEARD] === 1
      deadlines[device] = wasHeard ? intervals.heardAt(device) + intervals.silentAfter(device) : Infinity
      change(device, wasHeard ? LATE : UNKNOWN, receivedAtMs)
    }
  }

  /** Judges a device by the time since it was heard. */
  function judge(device: number, now: number, nowMs: number) {
    const silentAt = intervals.heardAt(device) + intervals.silentAfter(device)
    const lateAt = intervals.heardAt(device) + intervals.lateAfter(device)
    const state = now >= silentAt ? SILENT : now >= lateAt ? LATE : LIVE
    deadlines[device] = state === SILENT ? Infinity : state === LATE ? silentAt : lateAt
    if (state !== stateOf(device)) change(device, state, nowMs)
  }

  function isJudged(device: number): boolean {
    const state = stateOf(device)
    return state === LIVE || state === LATE || state === SILENT
  }

  function sweep(nowMs: number): boolean {
    const now = clock.at(nowMs)
    for (let left = CHANGES_PER_SWEEP; next < names.length; next++) {
      if ((deadlines[next] ?? Infinity) > now) continue
      if (left-- === 0) return true
      judge(next, now, nowMs)
    }
    next = 0
    return false
  }

  function tick() {
    if (!isPresenceAuthority()) return void clock.at(timeNow())
    if (sweep(timeNow()) && timer) setImmediate(tick)
  }

  return {
    take(message, receivedAtMs) {
      if (isSignOfLife(message)) heard(message.deviceId, receivedAtMs)
      else noteIndirect(message, receivedAtMs)
    },
    heard,
    restore({ deviceId, lastSeen, state, presence, ...reported }) {
      if (numbers.has(deviceId)) return
      const lastMs = lastSeen === null ? startMs : Date.parse(lastSeen)
      const device = add(deviceId, lastMs)
      restoreInterval(intervals, device, lastMs, reported)
      const wasGone = presence === undefined ? state !== null && lastMs <= Date.parse(state.receivedAt) : presence === 'offline'
      const isGone = state !== null && saysGone(state.status) && wasGone
      change(device, isGone ? OFFLINE : UNKNOWN, isGone ? Date.parse(state.receivedAt) : startMs)
    },
    learn(message) {
      const atMs = Date.parse(message.receivedAt)
      const known = numbers.get(message.deviceId)
      if (known !== undefined && isJudged(known)) return
      const device = known ?? add(message.deviceId, atMs)
      if (known === undefined) change(device, UNKNOWN, startMs)
      const state = isGone(message) ? OFFLINE : isSignOfLife(message) ? UNKNOWN : stateOf(device)
      if (state !== stateOf(device)) change(device, state, state === OFFLINE ? atMs : startMs)
      if (!isSignOfLife(message)) return
      intervals.hear(device, atMs)
      reportInterval(device)
    },
    sweep,
    follow({ deviceId, presence, since, ...reported }) {
      const sinceMs = Date.parse(since)
      const known = numbers.get(deviceId)
      const device = known ?? add(deviceId, clock.at(sinceMs))
      if (known === undefined) restoreInterval(intervals, device, clock.at(sinceMs), reported)
      const state = STATES.indexOf(presence)
      facts[device * NUMBERS + STATE] = state
      facts[device * NUMBERS + SINCE] = sinceMs
      noteReported(device)
      if (state !== UNKNOWN && state !== OFFLINE) facts[device * NUMBERS + WAS_HEARD] = 1
      deadlines[device] = state === LIVE ? intervals.heardAt(device) + intervals.lateAfter(device) : state === LATE ? intervals.heardAt(device) + intervals.silentAfter(device) : Infinity
    },
    reportDifferences(elsewhere) {
      for (const [deviceId, device] of numbers) if (elsewhere(deviceId) !== STATES[stateOf(device)]) report(
        device,
        true,
      )
    },
    restart(nowMs) {
      for (const device of numbers.values()) {
        if (stateOf(device) === OFFLINE) continue
        deadlines[device] = Infinity
        facts[device * NUMBERS + WAS_HEARD] = 0
        if (stateOf(device) !== UNKNOWN) change(device, UNKNOWN, nowMs)
      }
    },
    counts() {
      const counts = { live: 0, late: 0, silent: 0, offline: 0, unknown: 0 }
      for (const device of numbers.values()) counts[STATES[stateOf(device)] ?? 'unknown']++
      return counts
    },
    listen(isListening, nowMs) {
      clock.at(nowMs)
      if (!clock.listen(isListening)) return
      // Messages of that time are lost, or will arrive soon: every device gets a whole interval again.
      const now = clock.at(nowMs)
      for (let device = 0; device < names.length; device++) {
        const state = stateOf(device)
        if (state !== LIVE && state !== LATE) continue
        intervals.begin(device, now)
        deadlines[device] = now + (state === LIVE ? intervals.lateAfter(device) : intervals.silentAfter(device))
      }
    },
    forget(deviceId) {
      const device = numbers.get(deviceId)
      if (device === undefined) return
      numbers.delete(deviceId)
      free.push(device)
      names[device] = ''
      deadlines[device] = Infinity
      facts.fill(0, device * NUMBERS, (device + 1) * NUMBERS)
      intervals.add(device, 0)
    },
    reconsider(nowMs) {
      const now = clock.at(nowMs)
      for (const [deviceId, device] of numbers) {
        intervals.give(device, now, (intervalOf?.(deviceId) ?? 0) * SECOND_MS)
        if (isJudged(device)) judge(device, now, nowMs)
        reportInterval(device)
      }
    },
    start() {
      timer = setInterval(tick, sweepEveryMs)
      timer.unref()
    },
    stop() {
      clearInterval(timer)
      timer = undefined
    },
  }
}

/** The broker publishes a last will, and it is unknown who deletes a state: neither is a sign of life. */
export function isSignOfLife(message: Telemetry | DeviceStatusChange): boolean {
  return !message.replayed && !('status' in message && (message.status === null || saysGone(message.status)))
}

function isGone(message: Telemetry | DeviceStatusChange): boolean {
  return 'status' in message && message.status !== null && saysGone(message.status)
}

/** Whether one is less than `factor` times the other. */
function isNear(a: number, b: number, factor: number): boolean {
  return a === b || (a < b * factor && b < a * factor)
}

/** An array twice as long, the new half filled with `value`. */
function larger(numbers: Float64Array<ArrayBuffer>, value: number): Float64Array<ArrayBuffer> {
  const twice = new Float64Array(numbers.length * 2).fill(value)
  twice.set(numbers)
  return twice
}
