import { useDocumentVisibility, useElementSize, useEventListener, useIntervalFn } from '@vueuse/core'
import { computed, onBeforeUnmount, ref, toRef, watch } from 'vue'
import type { Ref } from 'vue'
import type { FleetGroup, FleetGrouping } from '#shared/fleet/fleet-groups'
import { wallPages } from '#shared/fleet/wall-pages'
import { useFleet } from './useFleet'
import { useFleetRows } from './useFleetRows'

/** How long a page is shown. */
const TURN_MS = 12_000
/** Sizes for a screen of this width; on others everything is scaled, within readable limits. */
const SCREEN_PX = 1_920
const LEAST_SCALE = 0.8
const MOST_SCALE = 3
const TILE_PX = { width: 360, height: 196 }
const HEAD_PX = 60

export interface WallOptions {
  area: Readonly<Ref<HTMLElement | null>>
  shown: Readonly<Ref<readonly string[]>>
  groups: Readonly<Ref<readonly FleetGroup[] | null>>
  by: Readonly<Ref<FleetGrouping>>
}

/** The pages of the wall display, turned one after the other. Space pauses and continues, arrow keys turn. */
export function useWall({ area, shown, groups, by }: WallOptions) {
  const { look } = useFleet()
  const { width, height } = useElementSize(area)
  const visibility = useDocumentVisibility()

  const scale = computed(() => Math.min(MOST_SCALE, Math.max(LEAST_SCALE, width.value / SCREEN_PX)))
  const columns = computed(() => Math.max(1, Math.floor(width.value / (TILE_PX.width * scale.value))))
  const { blocks } = useFleetRows({ shown, groups, by, columns, isAlwaysOpen: true })
  const pages = computed(() => height.value === 0
    ? []
    : wallPages(blocks.value, { height: height.value, headHeight: HEAD_PX * scale.value, rowHeight: TILE_PX.height * scale.value }))

  const turned = ref(0)
  const isPaused = ref(false)
  // Fewer devices may leave fewer pages.
  const at = computed(() => Math.min(turned.value, Math.max(0, pages.value.length - 1)))
  const page = computed(() => pages.value[at.value] ?? [])

  function turn(step: 1 | -1) {
    const { length } = pages.value
    turned.value = length > 0 ? (at.value + step + length) % length : 0
  }
  const turning = useIntervalFn(() => turn(1), TURN_MS)
  watch([isPaused, visibility], () => isPaused.value || visibility.value !== 'visible' ? turning.pause() : turning.resume())

  useEventListener('keydown', ({ key }: KeyboardEvent) => {
    if (key === ' ') isPaused.value = !isPaused.value
    else if (key === 'ArrowRight' || key === 'ArrowLeft') {
      turn(key === 'ArrowRight' ? 1 : -1)
      if (turning.isActive.value) turning.resume()
    }
  })

  watch(page, blocks => look(blocks.flatMap(block => block.kind === 'devices' ? block.deviceIds : [])))
  onBeforeUnmount(() => look(null))

  return {
    page,
    /** From 0. */
    at,
    pageCount: computed(() => pages.value.length),
    isPaused,
    columns,
    scale,
    tileHeightPx: toRef(() => TILE_PX.height * scale.value),
    headHeightPx: toRef(() => HEAD_PX * scale.value),
  }
}
