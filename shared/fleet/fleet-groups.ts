import type { PresenceCounts } from '#shared/schemas/device'
import { sortedLabels } from '#shared/fleet/fleet-view'
import type { FleetLabels, FleetLine } from '#shared/fleet/fleet-view'

/** The groupings of an overview; the first is none. */
export const FLEET_GROUPINGS = ['nothing', 'group', 'place'] as const
export type FleetGrouping = typeof FLEET_GROUPINGS[number]

/** The devices of one label; an empty label is for devices without one. */
export interface FleetGroup {
  readonly label: string
  readonly all: number
  readonly counts: Readonly<PresenceCounts>
}

/** A row of the overview: the head of a group, or as many devices as fit beside each other. */
export type FleetBlock
  = | { readonly kind: 'head', readonly group: FleetGroup, readonly isCollapsed: boolean }
    | { readonly kind: 'devices', readonly deviceIds: readonly string[], /** Devices above this row. */ readonly above: number }

const NONE: Readonly<PresenceCounts> = { live: 0, late: 0, silent: 0, offline: 0, unknown: 0 }

/** The groups of `lines` in natural order, the group without a label last. */
export function groupLines(lines: readonly FleetLine[], by: keyof FleetLabels, labelsOf: (deviceId: string) => FleetLabels): FleetGroup[] {
  const groups = new Map<string, { all: number, counts: PresenceCounts }>()
  for (const { entry, signs } of lines) {
    const label = labelsOf(entry.device.deviceId)[by]
    let group = groups.get(label)
    if (!group) groups.set(label, group = { all: 0, counts: { ...NONE } })
    group.all++
    group.counts[signs.presence]++
  }
  return [...sortedLabels(groups.keys()), ''].flatMap((label) => {
    const group = groups.get(label)
    return group ? [{ label, ...group }] : []
  })
}

export interface LayOutOptions {
  /** Devices in a row. */
  readonly columns: number
  /** `null`: not grouped. A group without shown devices has no head. */
  readonly groups: readonly FleetGroup[] | null
  readonly labelOf: (deviceId: string) => string
  readonly isCollapsed: (label: string) => boolean
}

/** The rows of the overview, top to bottom. */
export function layOut(deviceIds: readonly string[], { columns, groups, labelOf, isCollapsed }: LayOutOptions): FleetBlock[] {
  const blocks: FleetBlock[] = []
  let above = 0
  if (!groups) {
    add(deviceIds)
    return blocks
  }
  const byLabel = Map.groupBy(deviceIds, labelOf)
  for (const group of groups) {
    const members = byLabel.get(group.label)
    if (!members) continue
    const isClosed = isCollapsed(group.label)
    blocks.push({ kind: 'head', group, isCollapsed: isClosed })
    if (!isClosed) add(members)
  }
  return blocks

  function add(members: readonly string[]) {
    for (let i = 0; i < members.length; i += columns) {
      const row = members.slice(i, i + columns)
      blocks.push({ kind: 'devices', deviceIds: row, above })
      above += row.length
    }
  }
}
