import type { Presence, PresenceChange } from '#shared/schemas/device'
import { createPresence } from '../../../../../server/fleet/presence/presence'
import { judgedIntervalMs } from '../../../../../server/fleet/presence/interval-report'
import type { PresenceOptions } from '../../../../../server/fleet/presence/presence'

export const SECOND = 1_000
export const MINUTE = 60_000
export const HOUR = 3_600_000
export const DAY = 24 * HOUR
export const START = Date.parse('2026-01-01T12:00:00.000Z')

export type Dice = () => number

/** The same numbers in [0, 1) for the same seed. */
export function createDice(seed: number): Dice {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6D2B79F5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** When a device speaks next, given when it spoke last. */
export type Habit = (lastMs: number) => number

export function every(ms: number): Habit {
  return last => last + ms
}

/** Gaps spread evenly over ±50 %. */
export function jittery(ms: number, dice: Dice): Habit {
  return last => last + ms * (0.5 + dice())
}

/** As if by chance alone: gaps of any length, short ones more often. */
export function byChance(ms: number, dice: Dice): Habit {
  return last => last - ms * Math.log(1 - dice())
}

/** So many messages within a second or less, every `ms`. */
export function inBursts(ms: number, messages: number): Habit {
  let sent = 0
  return (last) => {
    const within = SECOND / messages
    return last + (++sent % messages === 0 ? ms - (messages - 1) * within : within)
  }
}

/** One in twenty messages is lost. */
export function losing(habit: Habit, dice: Dice): Habit {
  return (last) => {
    let at = habit(last)
    while (dice() < 0.05) at = habit(at)
    return at
  }
}

/** A presence watch on a clock that is moved by hand, with devices that speak by their habits. */
export function createSite(options: Omit<Partial<PresenceOptions>, 'onChange'> = {}) {
  const { sweepEveryMs = 250 } = options
  const changes: (PresenceChange & { atMs: number, isTurn: boolean })[] = []
  const latest = new Map<string, PresenceChange>()
  const speakers = new Map<string, { habit: Habit, nextMs: number }>()
  let nowMs = START
  let aheadMs = 0
  const presence = createPresence({
    startMs: START,
    ...options,
    sweepEveryMs,
    onChange(change, isTurn) {
      changes.push({ ...change, atMs: nowMs, isTurn })
      latest.set(change.deviceId, change)
    },
  })

  function speakUntil(endMs: number) {
    const due: { deviceId: string, atMs: number }[] = []
    for (const [deviceId, speaker] of speakers) {
      for (; speaker.nextMs <= endMs; speaker.nextMs = speaker.habit(speaker.nextMs)) due.push({ deviceId, atMs: speaker.nextMs })
    }
    if (due.length > 1) due.sort((a, b) => a.atMs - b.atMs)
    for (const { deviceId, atMs } of due) {
      nowMs = atMs
      presence.heard(deviceId, atMs + aheadMs)
    }
  }

  return {
    presence,
    changes,
    speak(deviceId: string, habit: Habit) {
      speakers.set(deviceId, { habit, nextMs: nowMs })
    },
    fallSilent: (deviceId: string) => void speakers.delete(deviceId),
    /** Time passes: devices speak, and the watch looks through them. */
    pass(ms: number) {
      const endMs = nowMs + ms
      for (let at = nowMs + sweepEveryMs; at <= endMs; at += sweepEveryMs) {
        speakUntil(at)
        nowMs = at
        while (presence.sweep(nowMs + aheadMs));
      }
    },
    /** The server's clock is set. */
    setClock(byMs: number) {
      aheadMs += byMs
    },
    /** The server does not run: nothing is heard and nobody looks. */
    stall(ms: number) {
      nowMs += ms
      for (const speaker of speakers.values()) {
        while (speaker.nextMs <= nowMs) speaker.nextMs = speaker.habit(speaker.nextMs)
      }
    },
    now: () => nowMs,
    of: (deviceId: string): Presence | undefined => latest.get(deviceId)?.presence,
    /** The interval that it is judged by, in seconds of two digits; undefined while it has none. */
    intervalOf(deviceId: string): number | undefined {
      const ms = judgedIntervalMs(latest.get(deviceId) ?? {})
      return ms === undefined ? undefined : Number((ms / SECOND).toPrecision(2))
    },
    /** What a device has been, one after the other, without repetition. */
    story: (deviceId: string) => changes.filter(change => change.deviceId === deviceId).map(change => change.presence)
      .filter((now, i, all) => now !== all[i - 1]),
  }
}
