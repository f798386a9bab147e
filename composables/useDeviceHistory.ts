import { tryOnScopeDispose, useDocumentVisibility, useIntervalFn } from '@vueuse/core'
import { computed, nextTick, onMounted, ref, shallowRef, watch } from 'vue'
import type { Ref } from 'vue'
import { ErrorAnswerSchema } from '#shared/schemas/error'
import { HistoryAnswerSchema } from '#shared/schemas/history'
import type { HistoryAnswer } from '#shared/schemas/history'
import type { Telemetry } from '#shared/schemas/telemetry'
import { isFollowed, refreshEvery } from '#shared/utils/history-range'
import type { TimeWindow } from '#shared/utils/history-range'
import { withSample } from '#shared/utils/history-series'
import { useFleet } from './useFleet'
import { useMoment } from './useMoment'

/** About one point for two pixels of a wide screen. */
const POINTS = 400
/** Requests under way at once: the history must not hold up anything else of the page. */
const AT_ONCE = 3
const LOOK_MS = 1_000

export interface DeviceHistoryOptions {
  deviceId: string
  metrics: Readonly<Ref<readonly string[]>>
  shown: Readonly<Ref<TimeWindow>>
  isLive: Readonly<Ref<boolean>>
  range: Readonly<Ref<string>>
}

/** The history of some metrics of a device in a window, kept up to date while it is live and the tab is seen. */
export function useDeviceHistory({ deviceId, metrics, shown, isLive, range }: DeviceHistoryOptions) {
  const fleet = useFleet()
  const visibility = useDocumentVisibility()
  const answers = shallowRef<ReadonlyMap<string, HistoryAnswer>>(new Map())
  const status = ref<'ready' | 'failed' | 'off'>('ready')
  const isLoading = ref(false)
  let underWay: AbortController | undefined
  let loadedAtMs = 0

  async function load() {
    underWay?.abort()
    const ours = underWay = new AbortController()
    isLoading.value = true
    loadedAtMs = Date.now()
    const waiting = [...metrics.value]
    const asked = shown.value
    async function takeTurns() {
      for (let metric = waiting.shift(); metric !== undefined && !ours.signal.aborted; metric = waiting.shift()) {
        const answer = await ask(deviceId, metric, asked, ours.signal)
        if (!ours.signal.aborted) answers.value = new Map(answers.value).set(metric, answer)
      }
    }
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, takeTurns))
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
    // The stream knows best whether the server is there; asking a dead one only fills the browser's console.
    if (fleet.status.value === 'live' && status.value !== 'off' && visibility.value === 'visible') void load()
  }

  function follow({ ts, metrics: values }: Telemetry) {
    const next = new Map(answers.value)
    for (const [metric, value] of Object.entries(values)) {
      const answer = next.get(metric)
      if (answer) next.set(metric, withSample(answer, Date.parse(ts), value))
    }
    answers.value = next
  }

  const { isPast } = useMoment()
  tryOnScopeDispose(fleet.onEvent((event) => {
    // Another moment has another window.
    if (event.type === 'snapshot' && isPast.value && isLive.value) void nextTick(reload)
    if (event.type === 'telemetry' && event.data.deviceId === deviceId && isLive.value && isFollowed(shown.value)) follow(event.data)
  }))
  tryOnScopeDispose(() => underWay?.abort())
  onMounted(reload)
  // A live window moves on by itself and is asked for again in time.
  const asked = () => isLive.value ? range.value : `${shown.value.from} ${shown.value.to}`
  // One text: a list of sources with a shallow ref among them would fire with every message.
  watch(() => [fleet.status.value, visibility.value, asked(), ...metrics.value].join('\n'), reload)
  useIntervalFn(() => {
    if (isLive.value && Date.now() - loadedAtMs >= refreshEvery(shown.value)) reload()
  }, LOOK_MS)

  return {
    /** By metric; one that is missing has not been answered yet. */
    answers,
    /** `off`: no history is kept. */
    status,
    isLoading,
    isEmpty: computed(() => metrics.value.every(metric => answers.value.get(metric)?.points.length === 0)),
    retry: load,
  }
}

async function ask(deviceId: string, metric: string, { from, to }: TimeWindow, signal: AbortSignal): Promise<HistoryAnswer> {
  const query = { metric, from: new Date(from).toISOString(), to: new Date(to).toISOString(), points: POINTS }
  return HistoryAnswerSchema.parse(await $fetch(`/api/sensors/${encodeURIComponent(deviceId)}/history`, { query, signal, retry: 0 }))
}

function isUnavailable(error: unknown): boolean {
  const data: unknown = error instanceof Error && 'data' in error ? error.data : undefined
  return ErrorAnswerSchema.safeParse(data).data?.error.code === 'history-unavailable'
}
