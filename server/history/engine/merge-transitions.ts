import type { Presence, PresenceChange } from '#shared/schemas/device'
import { toMicroseconds } from '#shared/time/time'

/** The new presence of a device, and since when (microseconds since 1970). */
export interface PresenceTransition { time: number, presence: Presence }

export function transitionOf({ since, presence }: PresenceChange): PresenceTransition {
  return { time: toMicroseconds(since), presence }
}

/** The presence of a device after a time without a server: `signed-off` stays, everything else becomes unknown. */
export function afterGap({ time, presence }: PresenceTransition, gap: number): Presence {
  return time <= gap && presence !== 'offline' ? 'unknown' : presence
}

/** Merges a device's own transitions with the times when no server ran; neither needs to be sorted. */
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
