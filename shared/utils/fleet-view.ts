import { attention } from '#shared/utils/device-signs'
import type { Signs } from '#shared/utils/device-signs'
import type { FleetEntry } from '#shared/utils/fleet-entry'
import { matchesWords, searchWords } from '#shared/utils/search'

export const FLEET_SORTS = ['attention', 'name', 'heard', 'changed'] as const
export type FleetSort = typeof FLEET_SORTS[number]

export const FLEET_FILTERS = ['all', 'open', 'live', 'late', 'silent', 'offline', 'unknown', 'clock'] as const
export type FleetFilter = typeof FLEET_FILTERS[number]

/** A device with its signs at one moment. */
export interface FleetLine {
  readonly entry: FleetEntry
  readonly signs: Signs
}

const SHOWS: Record<FleetFilter, (signs: Signs) => boolean> = {
  all: () => true,
  open: signs => signs.open,
  live: signs => signs.presence === 'live',
  late: signs => signs.presence === 'late',
  silent: signs => signs.presence === 'silent',
  offline: signs => signs.presence === 'offline',
  unknown: signs => signs.presence === 'unknown',
  clock: signs => signs.wrongClock,
}

/** Whether a device belongs to a filter. */
export function isShown(filter: FleetFilter, signs: Signs): boolean {
  return SHOWS[filter](signs)
}

/** How many devices each filter would show. */
export function countByFilter(lines: readonly FleetLine[]): Record<FleetFilter, number> {
  const counts: Record<FleetFilter, number> = { all: 0, open: 0, live: 0, late: 0, silent: 0, offline: 0, unknown: 0, clock: 0 }
  for (const { signs } of lines) {
    for (const filter of FLEET_FILTERS) counts[filter] += Number(isShown(filter, signs))
  }
  return counts
}

/** Whether deviceId, values or status contain every word of the query; `words` adds what the page shows for them. */
export function matchesSearch({ device }: FleetEntry, query: string, words: string): boolean {
  return matchesWords(device, searchWords(query), words)
}

/** Sorts what `lines` holds in natural name order (tor-2 before tor-10) by the wanted key; equal keys keep that order. */
export function sortLines(lines: readonly FleetLine[], sort: FleetSort): FleetLine[] {
  switch (sort) {
    case 'attention': return lines.toSorted((a, b) => attention(b.signs) - attention(a.signs))
    case 'heard': return lines.toSorted((a, b) => (b.entry.heardAtMs ?? 0) - (a.entry.heardAtMs ?? 0))
    case 'changed': return lines.toSorted((a, b) => b.entry.changedAtMs - a.entry.changedAtMs)
    case 'name': return [...lines]
  }
}

/** What stays in place under the operator's hand: the shown rows as they are, new ones below. */
export function heldOrder(shown: readonly string[], wanted: readonly string[], isKnown: (deviceId: string) => boolean): string[] {
  const held = shown.filter(isKnown)
  const isHeld = new Set(held)
  return [...held, ...wanted.filter(deviceId => !isHeld.has(deviceId))]
}
