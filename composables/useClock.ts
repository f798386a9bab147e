import { createSharedComposable, useNow } from '@vueuse/core'
import { computed, readonly, ref } from 'vue'
import { useMoment } from './useMoment'

/** Latency and whole seconds in an HTTP date are no wrong clock. */
const TOLERATED_MS = 3_000

const serverAheadMs = ref(0)

function createClock() {
  const now = useNow({ interval: 1_000 })
  const { momentMs } = useMoment()
  return {
    /** This computer's clock. */
    nowMs: computed(() => now.value.getTime()),
    /** The server's clock, to compare with the times it sends: a control room computer's own may be wrong. In the past it is that of the replay. */
    serverNowMs: computed(() => momentMs.value ?? now.value.getTime() + serverAheadMs.value),
    serverAheadMs: readonly(serverAheadMs),
  }
}

/** One clock for every relative time on the page, ticking once a second. */
export const useClock = createSharedComposable(createClock)

/** Sets the clock by an HTTP `Date` header. */
export function setServerClock(dateHeader: string | null) {
  const aheadMs = Date.parse(dateHeader ?? '') - Date.now()
  if (Number.isNaN(aheadMs)) return
  serverAheadMs.value = Math.abs(aheadMs) > TOLERATED_MS ? aheadMs : 0
}
