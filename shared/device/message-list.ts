import type { Telemetry } from '#shared/schemas/telemetry'

/** As many as the server keeps of one device. */
export const MESSAGES_SHOWN = 20

/**
 * Joins what the stream brought with what the server answered meanwhile, newest first. A message that both hold is
 * shown once, whatever has been found of its order and its clock.
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
