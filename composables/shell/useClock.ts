import { createSharedComposable, useDocumentVisibility, useIntervalFn } from '@vueuse/core'
import { computed, onMounted, readonly, ref, watch } from 'vue'
import { useEventStream } from '../stream/useEventStream'
import { useReplayRoute } from '../replay/useReplayRoute'
import { askServerTime, presentMs, readClocks, useServedAt } from './useServerTime'

const TICK_MS = 1_000
const ASK_EVERY_MS = 60_000
const ASK_AGAIN_MS = 5_000
/** Ticks that are this late show that the page was suspended, or the computer asleep. */
const HELD_UP_MS = 5_000
/** If the computer's clocks differ by this much more than a tick ago, one was set, or stopped during sleep. */
const SET_MS = 2_000

function createClock() {
  const { momentMs } = useReplayRoute()
  const { status } = useEventStream()
  const visibility = useDocumentVisibility()
  const nowMs = ref(useServedAt())
  const ownAheadMs = ref<number | null>(null)
  const isSure = ref(false)
  let last = readClocks()
  let dueAtMs = 0
  let isAsking = false
  let isAnswered = false

  function show() {
    nowMs.value = presentMs()
    // While it is uncertain, the page does not claim that the computer is wrong.
    if (isAnswered) ownAheadMs.value = readClocks().ownMs - nowMs.value
  }

  async function ask() {
    if (isAsking) return
    isAsking = true
    const hasAnswer = await askServerTime()
    isAsking = false
    dueAtMs = readClocks().steadyMs + (hasAnswer ? ASK_EVERY_MS : ASK_AGAIN_MS)
    isAnswered ||= hasAnswer
    // Without an answer it continues as before.
    isSure.value = true
    show()
  }

  function tick() {
    if (visibility.value !== 'visible') return
    const before = last
    last = readClocks()
    const passedMs = last.steadyMs - before.steadyMs
    if (passedMs > HELD_UP_MS || Math.abs(last.ownMs - before.ownMs - passedMs) > SET_MS) {
      dueAtMs = 0
      isSure.value = false
    }
    // The stream knows whether the server is there; a request to a dead one only fills the browser's console.
    if (status.value === 'live' && last.steadyMs >= dueAtMs) void ask()
    else if (!isAsking) isSure.value = true
    // In doubt it stops until the server has sent the time.
    if (isSure.value) show()
  }

  useIntervalFn(tick, TICK_MS)
  watch(visibility, tick)
  // Another server may have another clock.
  watch(status, () => {
    dueAtMs = Math.min(dueAtMs, last.steadyMs + ASK_AGAIN_MS)
    tick()
  })
  onMounted(() => {
    show()
    void ask()
  })

  return {
    /**
     * The present by the server's clock: this computer's may be wrong. It ticks once a second while the page is
     * visible.
     */
    nowMs: readonly(nowMs),
    /** The reference for the times on the page: the present, or the time of the replay. */
    serverNowMs: computed(() => momentMs.value ?? nowMs.value),
    /** How far this computer's clock is ahead of the server's; `null` until it is known. */
    ownAheadMs: readonly(ownAheadMs),
    /** Whether the time is reliable: not at the very start, and not right after sleep. */
    isSure: readonly(isSure),
  }
}

/** One clock for every page and relative time of this browser tab. */
export const useClock = createSharedComposable(createClock)
