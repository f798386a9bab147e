import type { DeviceState, Presence } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { hasTelemetry, saysGone } from '#shared/device/device-state'

export interface Door {
  /** The metric that reports it; `null` when only the state topic does. */
  metric: string | null
  /** The word as the device sent it. */
  value: string
  /** The meaning of the word, `null` when it is neither: `opening`, `jammed`. */
  word: DoorWord | null
}
export type DoorWord = 'open' | 'closed'

/** What an operator should see at a glance. */
export interface Signs {
  open: boolean
  presence: Presence
  wrongClock: boolean
  /** The newest values are a retained message, not just measured. */
  replayed: boolean
}

/** The word by itself, after an underscore, or with a capital: `rearDoor`, but neither `indoor` nor `navigate`. */
const DOOR_METRIC = /(?:(?:^|_)(?:door|gate)|Door|Gate)(?:_?[Ss]tat(?:e|us))?$/
const DOOR_WORDS: Record<string, DoorWord> = { open: 'open', opened: 'open', closed: 'closed', shut: 'closed' }

/** `OPEN` -> `open`; any other word -> `null`. */
export function doorWord(value: string): DoorWord | null {
  const word = value.trim().toLowerCase()
  return Object.hasOwn(DOOR_WORDS, word) ? DOOR_WORDS[word] ?? null : null
}

/** Whether a metric reports a door: `doorState`, `rearGate`. */
export function isDoorMetric(name: string): boolean {
  return DOOR_METRIC.test(name)
}

/** The door of a device; of several the open one. Without a door metric, `open`/`closed` of the state topic counts. */
export function doorOf(device: DeviceState): Door | null {
  let first: Door | null = null
  for (const [metric, { value }] of Object.entries(device.values)) {
    if (typeof value !== 'string' || !isDoorMetric(metric)) continue
    const door = { metric, value, word: doorWord(value) }
    if (door.word === 'open') return door
    first ??= door
  }
  if (first || !device.state) return first
  const word = doorWord(device.state.status)
  return word && { metric: null, value: device.state.status, word }
}

/** The status of a device. */
export function signsOf(device: DeviceState, door: Door | null): Signs {
  return {
    open: door?.word === 'open',
    presence: presenceOf(device),
    wrongClock: device.clock === 'wrong',
    replayed: hasTelemetry(device) ? device.lastTelemetry.replayed === true : device.state?.replayed === true,
  }
}

/** The claimed time of a message with a wrong clock; the server has decided that it is wrong. */
export function claimOf({ claimedTs, clock, ts }: Telemetry): string | undefined {
  return claimedTs ?? (clock ? ts : undefined)
}

/** The same for the last messages of a device; undefined if they do not show it any more. */
export function lastClaimOf(device: DeviceState): string | undefined {
  const { lastTelemetry, state } = device
  const claim = hasTelemetry(device) ? claimOf(lastTelemetry) : undefined
  return claim ?? state?.claimedUpdatedAt ?? (state?.clock ? state.updatedAt : undefined)
}

/** The server's presence; before that (it comes after the first message), the presence from that message. */
export function presenceOf({ presence, state, lastSeen }: DeviceState): Presence {
  if (presence) return presence
  if (state !== null && saysGone(state.status)) return 'offline'
  return lastSeen === null ? 'unknown' : 'live'
}

const PRESENCE_ATTENTION: Record<Presence, number> = { offline: 16, silent: 8, unknown: 4, late: 2, live: 0 }

/** How urgent a presence is; 0 when all is well. */
export function presenceAttention(presence: Presence): number {
  return PRESENCE_ATTENTION[presence]
}

/** How urgent a device is; 0 when all is well. */
export function attention({ open, presence, wrongClock }: Signs): number {
  return Number(open) * 32 + PRESENCE_ATTENTION[presence] + Number(wrongClock)
}
