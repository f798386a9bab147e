import { useSessionStorage } from '@vueuse/core'
import { computed } from 'vue'
import type { Ref } from 'vue'
import { layOut } from '#shared/fleet/fleet-groups'
import type { FleetBlock, FleetGroup, FleetGrouping } from '#shared/fleet/fleet-groups'
import { useProfiles } from '../registry/useProfiles'

/** Collapsed groups that are stored; beyond this the oldest open again. */
const MOST_COLLAPSED = 500

export interface FleetRowsOptions {
  shown: Readonly<Ref<readonly string[]>>
  groups: Readonly<Ref<readonly FleetGroup[] | null>>
  by: Readonly<Ref<FleetGrouping>>
  columns: Readonly<Ref<number>>
  /** If nothing can be opened, nothing is collapsed. */
  isAlwaysOpen?: boolean
}

/** The rows of the overview; collapsed groups are stored while the tab is open. */
export function useFleetRows({ shown, groups, by, columns, isAlwaysOpen = false }: FleetRowsOptions) {
  const { labelsOf, revision } = useProfiles()
  const collapsed = useSessionStorage<string[]>('leitstand-collapsed', [])

  const nameOf = (label: string) => `${by.value} ${label}`

  return {
    blocks: computed((): FleetBlock[] => {
      const grouping = by.value
      const names = new Set(isAlwaysOpen ? [] : collapsed.value)
      const labelOf = (deviceId: string) => grouping === 'nothing' ? '' : labelsOf(deviceId)[grouping]
      return revision.value < 0 ? [] : layOut(shown.value, { columns: columns.value, groups: groups.value, labelOf, isCollapsed: label => names.has(nameOf(label)) })
    }),
    toggle(label: string) {
      const name = nameOf(label)
      const others = collapsed.value.filter(other => other !== name)
      collapsed.value = others.length < collapsed.value.length ? others : [...others, name].slice(-MOST_COLLAPSED)
    },
  }
}
