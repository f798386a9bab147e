import { attention, presenceAttention } from '#shared/device/device-status'
import type { Signs } from '#shared/device/device-status'
import type { FleetEntry } from '#shared/fleet/fleet-entry'
import { matchesWords } from '#shared/fleet/search'
import { searchWords } from '#shared/text/search-words'

export const FLEET_SORTS = ['attention', 'name', 'presence', 'door', 'status', 'group', 'place', 'heard', 'changed'] as const
export type FleetSort = typeof FLEET_SORTS[number]

/** `usual`: the most useful order first, such as A, the last heard, or the worst. */
export const FLEET_ORDERS = ['usual', 'reverse'] as const
export type FleetOrder = typeof FLEET_ORDERS[number]

/** Sort keys whose usual order begins with the largest. */
const LARGEST_FIRST = new Set<FleetSort>(['attention', 'presence', 'door', 'heard', 'changed'])

/** The direction of a sort's keys, for a table's heading. */
export function directionOf(sort: FleetSort, order: FleetOrder): 'ascending' | 'descending' {
  return LARGEST_FIRST.has(sort) === (order === 'usual') ? 'descending' : 'ascending'
}

export const FLEET_FILTERS = ['all', 'open', 'live', 'late', 'silent', 'offline', 'unknown', 'clock'] as const
export type FleetFilter = typeof FLEET_FILTERS[number]

/** A device with its status at one time. */
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

/**
 * Whether deviceId, values or status contain every word of the query; `words` adds the texts that the page shows for
 * them.
 */
export function matchesSearch({ device }: FleetEntry, query: string, words: string): boolean {
  return matchesWords(device, searchWords(query), words)
}

/** The label of a device from its profile; empty without one. */
export interface FleetLabels { readonly group: string, readonly place: string }

/**
 * Sorts `lines`, which are in natural name order (tor-2 before tor-10), by a key; equal keys keep that order, and
 * devices without the key come last in both directions.
 */
export function sortLines(lines: readonly FleetLine[], sort: FleetSort, order: FleetOrder, labelsOf: (deviceId: string) => FleetLabels): FleetLine[] {
  if (sort === 'name') return order === 'usual' ? [...lines] : lines.toReversed()
  const sign = directionOf(sort, order) === 'ascending' ? 1 : -1
  const keys = keysOf(lines, sort, labelsOf)
  const rank = (line: FleetLine) => keys.get(line) ?? sign * Infinity
  return lines.toSorted((a, b) => compare(sign * rank(a), sign * rank(b)))
}

// With both infinite the difference would be NaN.
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1
}

function keysOf(lines: readonly FleetLine[], sort: Exclude<FleetSort, 'name'>, labelsOf: (deviceId: string) => FleetLabels): ReadonlyMap<FleetLine, number | undefined> {
  const by = (key: (line: FleetLine) => number | undefined) => new Map(lines.map(line => [line, key(line)]))
  switch (sort) {
    case 'attention': return by(({ signs }) => attention(signs))
    // Of the same presence open doors are worse.
    case 'presence': return by(({ signs }) => presenceAttention(signs.presence) + Number(signs.open) / 2)
    case 'door': return by(({ entry, signs }) => entry.door ? Number(signs.open) * 2 + Number(entry.door.word === null) : undefined)
    case 'heard': return by(({ entry }) => entry.heardAtMs ?? undefined)
    case 'changed': return by(({ entry }) => entry.changedAtMs || undefined)
    case 'status': return byText(lines, ({ entry }) => entry.device.state?.status ?? '')
    case 'group':
    case 'place': return byText(lines, ({ entry }) => labelsOf(entry.device.deviceId)[sort])
  }
}

/** Few texts of many devices: each is compared once, not once per device. */
function byText(lines: readonly FleetLine[], textOf: (line: FleetLine) => string): ReadonlyMap<FleetLine, number | undefined> {
  const texts = new Map(lines.map(line => [line, textOf(line)]))
  const ranks = new Map(sortedLabels(texts.values()).map((text, rank) => [text, rank]))
  return new Map(lines.map(line => [line, ranks.get(texts.get(line) ?? '')]))
}

/** Every label once, in natural order; the empty one is none. */
export function sortedLabels(labels: Iterable<string>): string[] {
  const once = new Set(labels)
  once.delete('')
  return [...once].sort(NATURAL.compare)
}

const NATURAL = new Intl.Collator(undefined, { numeric: true })

/** The order while the user interacts: the shown rows as they are, new ones below. */
export function heldOrder(shown: readonly string[], wanted: readonly string[], isKnown: (deviceId: string) => boolean): string[] {
  const held = shown.filter(isKnown)
  const isHeld = new Set(held)
  return [...held, ...wanted.filter(deviceId => !isHeld.has(deviceId))]
}
