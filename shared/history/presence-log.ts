import type { Presence, PresenceChange } from '#shared/schemas/device'
import type { HistoryInterval, PresenceAnswer } from '#shared/schemas/history'

/** The presence of a device between two times, in milliseconds since 1970. */
export interface PresenceInterval extends HistoryInterval { value: Presence }

/** Each line holds until the next, the last to the end of the range. */
export function toPresenceIntervals({ before, lines, to }: PresenceAnswer): PresenceInterval[] {
  const all = before ? [before, ...lines] : lines
  return all.map(({ at, presence }, i) => ({ from: Date.parse(at), to: Date.parse(all[i + 1]?.at ?? to), value: presence }))
}

/** An answer with a transition at its end; the same when it changes nothing. */
export function withPresenceChange(answer: PresenceAnswer, { presence, since }: PresenceChange): PresenceAnswer {
  const last = answer.lines.at(-1) ?? answer.before
  if (last && (last.presence === presence || Date.parse(since) < Date.parse(last.at))) return answer
  return { ...answer, to: since, lines: [...answer.lines, { at: since, presence }] }
}
