import type { PresenceChange } from '#shared/schemas/device'
import type { PresenceAnswer } from '#shared/schemas/history'
import { fromMicroseconds } from '#shared/time/time'
import type { PresenceTransition } from './merge-transitions'
import type { Awaitable } from './segment-store'

/** Transitions gather for this long and are written together. */
export const GATHER_MS = 1_000
/** How often the server records that it runs: after a crash, presence is unknown from the last of these times on. */
export const BEAT_MS = 60_000
/** Transitions that wait for a failing or slow disk; beyond this the oldest are dropped. */
export const MAX_WAITING_TRANSITIONS = 100_000

/** What other rooms may do with the transitions. */
export interface PresenceLog {
  /** The presence of a device has changed. Held in memory until it is written, within about a second. */
  note: (change: PresenceChange) => void
  /**
   * The newest `limit` transitions of a device in a range (microseconds since 1970), and the one before them. Rejects
   * or throws while not open.
   */
  read: (deviceId: string, range: { from: number, to: number }, limit: number) => Awaitable<PresenceAnswer>
}

/** The newest of sorted transitions in a range, and the one before them. */
export function presenceAnswer(deviceId: string, { from, to }: { from: number, to: number }, sorted: readonly PresenceTransition[], limit: number): PresenceAnswer {
  const all = sorted.filter(({ time }) => time <= to)
  const begin = all.findIndex(({ time }) => time > from)
  const inRange = begin < 0 ? 0 : all.length - begin
  const lines = all.slice(all.length - Math.min(limit, inRange)).map(toLine)
  const before = all.at(-1 - lines.length)
  return { deviceId, from: fromMicroseconds(from), to: fromMicroseconds(to), before: before ? toLine(before) : null, lines, more: inRange > limit }
}

function toLine({ time, presence }: PresenceTransition): PresenceAnswer['lines'][number] {
  return { at: fromMicroseconds(time), presence }
}
