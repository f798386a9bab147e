import type { Telemetry } from '#shared/schemas/telemetry'

/** As many as the server keeps of one device. */
export const MESSAGES_SHOWN = 20

/**
 * Joins what the stream brought with what the server answered meanwhile, newest first. A message that both hold is
 * shown once.
 */
export function joinMessages(live: readonly Telemetry[], answered: readonly Telemetry[]): Telemetry[] {
  const known = new Set(answered.map(message => JSON.stringify(message)))
  const onlyLive = live.filter(message => !known.has(JSON.stringify(message)))
  return [...onlyLive, ...answered]
    .toSorted((a, b) => Date.parse(b.receivedAt) - Date.parse(a.receivedAt))
    .slice(0, MESSAGES_SHOWN)
}
