import { computed } from 'vue'
import { useI18n } from '#imports'
import type { FleetColumn } from './useFleetColumns'

/** The names of the columns of the overview's table. */
export function useColumnLabels() {
  const { t } = useI18n()
  return computed((): Record<FleetColumn, string> => ({
    device: t('fleet.column.device'),
    presence: t('fleet.column.presence'),
    door: t('fleet.column.door'),
    values: t('fleet.column.values'),
    line: t('fleet.column.line'),
    status: t('fleet.column.status'),
    group: t('fleet.column.group'),
    place: t('fleet.column.place'),
    heard: t('fleet.column.heard'),
    changed: t('fleet.column.changed'),
  }))
}
