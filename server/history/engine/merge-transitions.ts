import type { Presence, PresenceChange } from '#shared/schemas/device'
import { toMicroseconds } from '#shared/time/time'

/** What a device has become, and when (microseconds since 1970). */
export interface PresenceTransition { time: number, presence: Presence }

export function transitionOf({ since, presence }: PresenceChange): PresenceTransition {
  return { time: toMicroseconds(since), presence }
}

/** What a device is after nobody has listened: as signed off as it was, else unknown. */
export function afterGap({ time, presence }: PresenceTransition, gap: number): Presence {
  return time <= gap && presence !== 'offline' ? 'unknown' : presence
}

/** A device's own lines and the moments from which on nobody listened, both sorted or not, as the lines that one reads. */
export function mergeTransitions(own: readonly PresenceTransition[], gaps: readonly number[]): PresenceTransition[] {
  const marks: { time: number, presence?: Presence }[] = [...own, ...gaps.map(time => ({ time }))]
  const lines: PresenceTransition[] = []
  for (const { time, presence } of marks.sort((a, b) => a.time - b.time)) {
    const last = lines.at(-1)
    const next = presence ?? (last && afterGap(last, time))
    if (next !== undefined && next !== last?.presence) lines.push({ time, presence: next })
  }
  return lines
}
