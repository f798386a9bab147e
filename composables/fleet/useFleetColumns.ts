import { useLocalStorage, useMediaQuery } from '@vueuse/core'
import { computed } from 'vue'
import { z } from 'zod'
import type { FleetSort } from '#shared/fleet/fleet-view'

const FLEET_COLUMNS = ['device', 'presence', 'door', 'values', 'line', 'status', 'group', 'place', 'heard', 'changed'] as const
export type FleetColumn = typeof FLEET_COLUMNS[number]

interface ColumnShape {
  /** At least this wide, in rem; the remaining width goes to the columns with a share. */
  least: number
  share?: number
  sort?: FleetSort
}

const SHAPES: Record<FleetColumn, ColumnShape> = {
  device: { least: 9, share: 0.8, sort: 'name' },
  presence: { least: 7, sort: 'presence' },
  door: { least: 7.5, sort: 'door' },
  values: { least: 13, share: 3.4 },
  line: { least: 7 },
  status: { least: 7.5, sort: 'status' },
  group: { least: 9, share: 0.4, sort: 'group' },
  place: { least: 9, share: 0.4, sort: 'place' },
  heard: { least: 8, sort: 'heard' },
  changed: { least: 8, sort: 'changed' },
}
const GAP_REM = 1
const PADDING_REM = 3
const USUAL: readonly FleetColumn[] = ['device', 'presence', 'door', 'values', 'status', 'heard']
const USUAL_WIDE: readonly FleetColumn[] = ['device', 'presence', 'door', 'values', 'line', 'status', 'heard']

const ChosenSchema = z.array(z.enum(FLEET_COLUMNS)).nullable().catch(null)

/** The columns of the table: those chosen in this browser, else as many of the usual ones as fit. */
export function useFleetColumns() {
  const hasRoom = useMediaQuery('(min-width: 1600px)')
  const chosen = useLocalStorage<FleetColumn[] | null>('leitstand-columns', null, { serializer: { read, write: JSON.stringify } })

  const columns = computed((): readonly FleetColumn[] => {
    const wanted = new Set<FleetColumn>(chosen.value ?? (hasRoom.value ? USUAL_WIDE : USUAL))
    return FLEET_COLUMNS.filter(column => column === 'device' || wanted.has(column))
  })

  return {
    columns,
    /** In CSS units. */
    template: computed(() => columns.value.map(templateOf).join(' ')),
    /** If the table is narrower than this, it scrolls sideways. */
    leastRem: computed(() => columns.value.reduce((sum, column) => sum + SHAPES[column].least + GAP_REM, PADDING_REM - GAP_REM)),
    /** Every column that may be hidden. */
    optional: FLEET_COLUMNS.filter(column => column !== 'device'),
    toggle(column: FleetColumn) {
      const isShown = columns.value.includes(column)
      chosen.value = isShown ? columns.value.filter(other => other !== column) : [...columns.value, column]
    },
  }
}

/** The sort order when the head of this column is pressed. */
export function sortOf(column: FleetColumn): FleetSort | undefined {
  return SHAPES[column].sort
}

function templateOf(column: FleetColumn): string {
  const { least, share } = SHAPES[column]
  return share ? `minmax(${least}rem, ${share}fr)` : `${least}rem`
}

function read(text: string): FleetColumn[] | null {
  try {
    return ChosenSchema.parse(JSON.parse(text))
  }
  catch {
    // An invalid stored value counts as no choice.
    return null
  }
}
