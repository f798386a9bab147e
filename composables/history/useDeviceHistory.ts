import { tryOnScopeDispose } from '@vueuse/core'
import { computed, shallowRef } from 'vue'
import type { Ref } from 'vue'
import { HistoryAnswerSchema } from '#shared/schemas/history'
import type { HistoryAnswer } from '#shared/schemas/history'
import type { Telemetry } from '#shared/schemas/telemetry'
import { latestIn, valueIn } from '#shared/device/device-state'
import { isFollowed } from '#shared/history/history-range'
import type { TimeWindow } from '#shared/history/history-range'
import { withSample } from '#shared/history/history-series'
import { useFleet } from '../fleet/useFleet'
import { useHistoryLoading } from './useHistoryLoading'
import type { ShownTime } from './useHistoryLoading'

/** About one point for two pixels of a wide screen. */
const POINTS = 400
/** Requests at once: the history must not delay other parts of the page. */
const AT_ONCE = 3

export interface DeviceHistoryOptions extends ShownTime {
  deviceId: string
  metrics: Readonly<Ref<readonly string[]>>
}

/** The history of some metrics of a device in a window, updated while it is live and the tab is visible. */
export function useDeviceHistory({ deviceId, metrics, ...time }: DeviceHistoryOptions) {
  const { shown, isLive } = time
  const answers = shallowRef<ReadonlyMap<string, HistoryAnswer>>(new Map())
  const failed = shallowRef<ReadonlySet<string>>(new Set())

  async function load(asked: TimeWindow, signal: AbortSignal) {
    const waiting = [...metrics.value]
    const faults = new Map<string, unknown>()
    async function answer(metric: string) {
      try {
        const found = await ask(deviceId, metric, asked, signal)
        if (!signal.aborted) answers.value = new Map(answers.value).set(metric, found)
      }
      catch (error) {
        faults.set(metric, error)
      }
    }
    async function takeTurns() {
      for (let metric = waiting.shift(); metric !== undefined && !signal.aborted; metric = waiting.shift()) {
        await answer(metric)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, takeTurns))
    if (signal.aborted) return
    // A failing metric shows its own fault; if all fail, it is not the metric.
    const isAll = faults.size > 0 && faults.size === metrics.value.length
    failed.value = new Set(isAll ? [] : faults.keys())
    if (isAll) throw [...faults.values()][0]
  }

  function follow(telemetry: Telemetry) {
    // The same message published again as the newest: it is drawn already.
    if (telemetry.late === false) return
    const next = new Map(answers.value)
    for (const metric of [...Object.keys(telemetry.metrics), ...telemetry.absent ?? []]) {
      const answer = next.get(metric)
      const value = valueIn(telemetry, metric)
      if (!answer || value === undefined) continue
      next.set(metric, withSample(answer, Date.parse(telemetry.ts), latestIn(telemetry, metric, value)))
    }
    answers.value = next
  }

  tryOnScopeDispose(useFleet().onEvent((event) => {
    if (event.type === 'telemetry' && event.data.deviceId === deviceId && isLive.value && isFollowed(shown.value)) follow(event.data)
  }))

  return {
    /** By metric; a missing one has not been answered yet. */
    answers,
    /** Metrics that could not be loaded while others could. */
    failed,
    ...useHistoryLoading({ ...time, load, what: () => metrics.value.join('\n') }),
    isEmpty: computed(() => metrics.value.every(metric => isNothing(answers.value.get(metric)))),
  }
}

function isNothing(answer: HistoryAnswer | undefined): boolean {
  const gaps = answer && 'gaps' in answer ? answer.gaps ?? [] : []
  return answer?.points.length === 0 && gaps.length === 0
}

async function ask(deviceId: string, metric: string, { from, to }: TimeWindow, signal: AbortSignal): Promise<HistoryAnswer> {
  const query = { metric, from: new Date(from).toISOString(), to: new Date(to).toISOString(), points: POINTS }
  return HistoryAnswerSchema.parse(await $fetch(`/api/sensors/${encodeURIComponent(deviceId)}/history`, { query, signal, retry: 0 }))
}
