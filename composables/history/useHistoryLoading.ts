import { tryOnScopeDispose, useDocumentVisibility, useIntervalFn } from '@vueuse/core'
import { nextTick, onMounted, ref, watch } from 'vue'
import type { Ref } from 'vue'
import { ErrorAnswerSchema } from '#shared/schemas/error'
import { refreshEvery } from '#shared/history/history-range'
import type { TimeWindow } from '#shared/history/history-range'
import { useClock } from '../shell/useClock'
import { useFleet } from '../fleet/useFleet'
import { useReplayRoute } from '../replay/useReplayRoute'
import { presentMs } from '../shell/useServerTime'

const LOOK_MS = 1_000

/** The shown window, from `useHistoryRange`. */
export interface ShownTime {
  shown: Readonly<Ref<TimeWindow>>
  isLive: Readonly<Ref<boolean>>
  range: Readonly<Ref<string>>
}

export interface HistoryLoading extends ShownTime {
  /** Loads a window; it changes state only while `signal` is not aborted. */
  load: (asked: TimeWindow, signal: AbortSignal) => Promise<void>
  /** The other parameters: when they change, the history is loaded again. */
  what?: () => string
}

/** Loads the history when the window changes, and regularly while it is live; not while the tab is hidden. */
export function useHistoryLoading({ shown, isLive, range, load, what = () => '' }: HistoryLoading) {
  const fleet = useFleet()
  const visibility = useDocumentVisibility()
  const { isSure } = useClock()
  const status = ref<'ready' | 'failed' | 'off'>('ready')
  const isLoading = ref(false)
  let underWay: AbortController | undefined
  let loadedAtMs = 0

  async function start() {
    underWay?.abort()
    const ours = underWay = new AbortController()
    isLoading.value = true
    loadedAtMs = presentMs()
    try {
      await load(shown.value, ours.signal)
      if (ours.signal.aborted) return
      status.value = 'ready'
    }
    catch (error) {
      if (ours.signal.aborted) return
      ours.abort()
      status.value = isUnavailable(error) ? 'off' : 'failed'
    }
    isLoading.value = false
  }

  function reload() {
    // The stream knows whether the server is there; a request to a dead one only fills the browser's console. Before
    // the time is known, the window is unknown.
    if (!isSure.value) return
    if (fleet.status.value === 'live' && status.value !== 'off' && visibility.value === 'visible') void start()
  }

  const { isPast } = useReplayRoute()
  tryOnScopeDispose(fleet.onEvent((event) => {
    // Another time has another window.
    if (event.type === 'snapshot' && isPast.value && isLive.value) void nextTick(reload)
  }))
  tryOnScopeDispose(() => underWay?.abort())
  onMounted(reload)
  // A live window moves by itself and is loaded again regularly.
  const asked = () => isLive.value ? range.value : `${shown.value.from} ${shown.value.to}`
  // One text: a list of sources with a shallow ref among them would fire with every message.
  watch(() => [fleet.status.value, visibility.value, isSure.value, asked(), what()].join('\n'), reload)
  useIntervalFn(() => {
    if (isLive.value && Math.abs(presentMs() - loadedAtMs) >= refreshEvery(shown.value)) reload()
  }, LOOK_MS)

  return {
    /** `off`: the history is off. */
    status,
    isLoading,
    retry: start,
  }
}

function isUnavailable(error: unknown): boolean {
  const data: unknown = error instanceof Error && 'data' in error ? error.data : undefined
  return ErrorAnswerSchema.safeParse(data).data?.error.code === 'history-unavailable'
}
