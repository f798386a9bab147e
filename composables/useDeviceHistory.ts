import { tryOnScopeDispose } from '@vueuse/core'
import { computed, shallowRef } from 'vue'
import type { Ref } from 'vue'
import { HistoryAnswerSchema } from '#shared/schemas/history'
import type { HistoryAnswer } from '#shared/schemas/history'
import type { Telemetry } from '#shared/schemas/telemetry'
import { isFollowed } from '#shared/utils/history-range'
import type { TimeWindow } from '#shared/utils/history-range'
import { withSample } from '#shared/utils/history-series'
import { useFleet } from './useFleet'
import { useHistoryLoading } from './useHistoryLoading'
import type { ShownTime } from './useHistoryLoading'

/** About one point for two pixels of a wide screen. */
const POINTS = 400
/** Requests under way at once: the history must not hold up anything else of the page. */
const AT_ONCE = 3

export interface DeviceHistoryOptions extends ShownTime {
  deviceId: string
  metrics: Readonly<Ref<readonly string[]>>
}

/** The history of some metrics of a device in a window, kept up to date while it is live and the tab is seen. */
export function useDeviceHistory({ deviceId, metrics, ...time }: DeviceHistoryOptions) {
  const { shown, isLive } = time
  const answers = shallowRef<ReadonlyMap<string, HistoryAnswer>>(new Map())

  async function load(asked: TimeWindow, signal: AbortSignal) {
    const waiting = [...metrics.value]
    async function takeTurns() {
      for (let metric = waiting.shift(); metric !== undefined && !signal.aborted; metric = waiting.shift()) {
        const answer = await ask(deviceId, metric, asked, signal)
        if (!signal.aborted) answers.value = new Map(answers.value).set(metric, answer)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, takeTurns))
  }

  function follow({ ts, metrics: values, late }: Telemetry) {
    // Said again as the newest: it is drawn already.
    if (late === false) return
    const next = new Map(answers.value)
    for (const [metric, value] of Object.entries(values)) {
      const answer = next.get(metric)
      if (answer) next.set(metric, withSample(answer, Date.parse(ts), value))
    }
    answers.value = next
  }

  tryOnScopeDispose(useFleet().onEvent((event) => {
    if (event.type === 'telemetry' && event.data.deviceId === deviceId && isLive.value && isFollowed(shown.value)) follow(event.data)
  }))

  return {
    /** By metric; one that is missing has not been answered yet. */
    answers,
    ...useHistoryLoading({ ...time, load, what: () => metrics.value.join('\n') }),
    isEmpty: computed(() => metrics.value.every(metric => answers.value.get(metric)?.points.length === 0)),
  }
}

async function ask(deviceId: string, metric: string, { from, to }: TimeWindow, signal: AbortSignal): Promise<HistoryAnswer> {
  const query = { metric, from: new Date(from).toISOString(), to: new Date(to).toISOString(), points: POINTS }
  return HistoryAnswerSchema.parse(await $fetch(`/api/sensors/${encodeURIComponent(deviceId)}/history`, { query, signal, retry: 0 }))
}
