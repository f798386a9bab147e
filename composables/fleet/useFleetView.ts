import { useIntervalFn, watchThrottled } from '@vueuse/core'
import { onMounted, ref, shallowRef, watch } from 'vue'
import type { Ref } from 'vue'
import { signsOf } from '#shared/device/device-status'
import type { FleetEntry } from '#shared/fleet/fleet-entry'
import { groupLines } from '#shared/fleet/fleet-groups'
import type { FleetGroup, FleetGrouping } from '#shared/fleet/fleet-groups'
import { countByFilter, heldOrder, isShown, matchesSearch, sortLines } from '#shared/fleet/fleet-view'
import type { FleetFilter, FleetLine, FleetOrder, FleetSort } from '#shared/fleet/fleet-view'
import { useFleet } from './useFleet'
import { useProfiles } from '../registry/useProfiles'

export interface FleetViewOptions {
  search: Ref<string>
  sort: Ref<FleetSort>
  order: Ref<FleetOrder>
  by: Ref<FleetGrouping>
  filter: Ref<FleetFilter>
  /** Only devices of this group, at this place; empty: of any. */
  group: Ref<string>
  place: Ref<string>
  /** Additional words that the page shows for a device, for the search. */
  wordsOf: (line: FleetLine) => string
}

/** Filters and counts are updated this often. */
const REFRESH_MS = 300
/** A live sort key may move rows this often. */
const REORDER_MS = 3_000

/**
 * Which devices are shown in which order. Live values reorder rows from time to time, but never while the user
 * interacts with them.
 */
export function useFleetView({ search, sort, order, by, filter, group, place, wordsOf }: FleetViewOptions) {
  const fleet = useFleet()
  const { labelsOf, nameOf, revision: profilesRevision } = useProfiles()
  const shown = shallowRef<readonly string[]>([])
  const counts = shallowRef(countByFilter([]))
  const groups = shallowRef<readonly FleetGroup[] | null>(null)
  const isHeld = ref(false)
  const isWaiting = ref(false)
  const byName = createNameOrder(nameOf)
  let mayReorder = true

  function refresh() {
    const lines = byName(fleet.all(), `${fleet.members.value} ${profilesRevision.value}`)
      .filter(({ device }) => isLabelled(device.deviceId))
      .map(entry => ({ entry, signs: signsOf(entry.device, entry.door) }))
    counts.value = countByFilter(lines)
    groups.value = by.value === 'nothing' ? null : groupLines(lines, by.value, labelsOf)
    const wanted = sortLines(lines.filter(isWanted), sort.value, order.value, labelsOf).map(({ entry }) => entry.device.deviceId)
    // Names do not change: rows move only when live values filter or sort them.
    const isStill = sort.value === 'name' && filter.value === 'all' && search.value === ''
    const next = isStill || (mayReorder && !isHeld.value) ? wanted : heldOrder(shown.value, wanted, fleet.has)
    isWaiting.value = isHeld.value && !isSameOrder(next, wanted)
    mayReorder = false
    if (!isSameOrder(shown.value, next)) shown.value = next
  }

  function isLabelled(deviceId: string): boolean {
    if (group.value === '' && place.value === '') return true
    const labels = labelsOf(deviceId)
    return (group.value === '' || labels.group === group.value) && (place.value === '' || labels.place === place.value)
  }

  function isWanted(line: FleetLine): boolean {
    return isShown(filter.value, line.signs) && matchesSearch(line.entry, search.value, search.value ? wordsOf(line) : '')
  }

  function reorder() {
    mayReorder = true
    refresh()
  }

  function reorderAsAsked() {
    isHeld.value = false
    reorder()
  }

  watch([search, sort, order, by, filter, group, place, profilesRevision], reorderAsAsked)
  watch(fleet.hasSnapshot, reorderAsAsked)
  watchThrottled(fleet.revision, refresh, { throttle: REFRESH_MS, leading: true, trailing: true })
  useIntervalFn(reorder, REORDER_MS)
  onMounted(reorder)

  return {
    /** deviceIds of the rows, top to bottom. */
    shown,
    counts,
    /** The number of devices of each presence; `null` while not grouped. */
    groups,
    /** While true, rows stay where they are. */
    isHeld,
    /** Rows would move if they were not held. */
    isWaiting,
    reorderNow: reorderAsAsked,
  }
}

function isSameOrder(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((deviceId, i) => deviceId === b[i])
}

/** Entries in natural order of their names; sorted again only for another `version` of devices and names. */
function createNameOrder(nameOf: (deviceId: string) => string) {
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })
  let order: string[] = []
  let orderedAt = ''
  return (entries: Iterable<FleetEntry>, version: string): FleetEntry[] => {
    const byId = new Map(Array.from(entries, entry => [entry.device.deviceId, entry]))
    if (version !== orderedAt) {
      const known = order.filter(deviceId => byId.has(deviceId))
      const isKnown = new Set(known)
      // The old order first: sorting an almost sorted list is cheap.
      order = [...known, ...[...byId.keys()].filter(deviceId => !isKnown.has(deviceId))].sort((a, b) => collator.compare(nameOf(a), nameOf(b)))
      orderedAt = version
    }
    return order.flatMap(deviceId => byId.get(deviceId) ?? [])
  }
}
