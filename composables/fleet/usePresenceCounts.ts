import { computed } from 'vue'
import { useI18n } from '#imports'
import { PresenceSchema } from '#shared/schemas/device'
import type { PresenceCounts } from '#shared/schemas/device'
import type { FleetGroup, FleetGrouping } from '#shared/fleet/fleet-groups'
import { iconClass } from '#shared/text/icon-class'
import { TEXT_COLOURS, useDeviceAppearance } from '../device/useDeviceAppearance'

/** The presences that occur, as plain data for elements. */
export function usePresenceCounts(counts: () => Readonly<PresenceCounts>) {
  const { presenceMark } = useDeviceAppearance()
  return computed(() => PresenceSchema.options.filter(presence => counts()[presence] > 0).map((presence) => {
    const { key, label, icon, colour } = presenceMark(presence)
    return { key, label, icon: iconClass(icon), look: TEXT_COLOURS[colour], count: counts()[presence] }
  }))
}

/** The name of a group, also for devices without one. */
export function useGroupLabel(group: () => FleetGroup, by: () => FleetGrouping) {
  const { t } = useI18n()
  return computed(() => group().label || (by() === 'place' ? t('fleet.noPlace') : t('fleet.noGroup')))
}
