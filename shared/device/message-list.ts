import type { Telemetry } from '#shared/schemas/telemetry'

/** As many as the server stores per device. */
export const MESSAGES_SHOWN = 20

/**
 * Merges messages of the stream with the server's answer, newest first. A message in both appears once, whatever was
 * decided about its order and its clock.
 */
export function joinMessages(live: readonly Telemetry[], answered: readonly Telemetry[]): Telemetry[] {
  const known = new Set(answered.map(textOf))
  const onlyLive = live.filter(message => !known.has(textOf(message)))
  return [...onlyLive, ...answered]
    .toSorted((a, b) => Date.parse(b.receivedAt) - Date.parse(a.receivedAt))
    .slice(0, MESSAGES_SHOWN)
}

function textOf({ late: _, clock: __, ...message }: Telemetry): string {
  return JSON.stringify(message)
}
