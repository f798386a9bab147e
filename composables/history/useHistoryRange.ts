import { useDocumentVisibility } from '@vueuse/core'
import { computed, ref, watch } from 'vue'
import { useRoute, useRouter } from '#imports'
import { HISTORY_RANGES, liveWindow, parseWindow, stepped } from '#shared/history/history-range'
import type { HistoryRange, TimeWindow } from '#shared/history/history-range'
import { useClock } from '../shell/useClock'
import { useQueryChoice } from '../shell/useQueryState'

/** The time range of the charts, stored in the address: a range that moves with the clock, or a zoomed window. */
export function useHistoryRange() {
  const route = useRoute()
  const router = useRouter()
  const visibility = useDocumentVisibility()
  const { serverNowMs } = useClock()
  const range = useQueryChoice('range', HISTORY_RANGES)
  const nowMs = ref(serverNowMs.value)
  watch([serverNowMs, visibility], () => {
    if (visibility.value === 'visible') nowMs.value = serverNowMs.value
  })

  const fixed = computed(() => parseWindow(text(route.query.from), text(route.query.to)))
  const live = computed<TimeWindow>((before) => {
    const next = liveWindow(range.value, nowMs.value)
    return before?.from === next.from && before.to === next.to ? before : next
  })

  function go(next: TimeWindow | null, how: 'push' | 'replace') {
    const query = { ...router.currentRoute.value.query, from: next ? iso(next.from) : undefined, to: next ? iso(next.to) : undefined }
    void router[how]({ query })
  }

  return {
    range,
    /** Milliseconds since 1970, by the server's clock. */
    shown: computed(() => fixed.value ?? live.value),
    isLive: computed(() => fixed.value === null),
    choose(next: HistoryRange) {
      const query = { ...router.currentRoute.value.query, range: next === HISTORY_RANGES[0] ? undefined : next, from: undefined, to: undefined }
      void router.replace({ query })
    },
    /** The browser's Back button leaves a zoom. */
    zoom: (next: TimeWindow) => go(next, 'push'),
    /** Back to the live range. */
    reset: () => go(null, 'replace'),
    /** Half a window earlier or later; at the present it becomes live again. */
    step: (direction: -1 | 1) => go(stepped(fixed.value ?? live.value, direction, nowMs.value), 'replace'),
  }
}

function text(value: unknown): string {
  const first: unknown = Array.isArray(value) ? value[0] : value
  return typeof first === 'string' ? first : ''
}

function iso(time: number): string {
  return new Date(Math.round(time)).toISOString()
}
