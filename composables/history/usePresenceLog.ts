import { tryOnScopeDispose } from '@vueuse/core'
import { shallowRef } from 'vue'
import { PresenceAnswerSchema } from '#shared/schemas/history'
import type { PresenceAnswer } from '#shared/schemas/history'
import type { TimeWindow } from '#shared/history/history-range'
import { withPresenceChange } from '#shared/history/presence-log'
import { useFleet } from '../fleet/useFleet'
import { useHistoryLoading } from './useHistoryLoading'
import type { ShownTime } from './useHistoryLoading'

/** The presences of a device in a window; while it is live, each change from the stream is added. */
export function usePresenceLog({ deviceId, ...time }: ShownTime & { deviceId: string }) {
  const answer = shallowRef<PresenceAnswer | null>(null)

  async function load({ from, to }: TimeWindow, signal: AbortSignal) {
    const query = { from: new Date(from).toISOString(), to: new Date(to).toISOString() }
    const asked = PresenceAnswerSchema.parse(await $fetch(`/api/sensors/${encodeURIComponent(deviceId)}/presence`, { query, signal, retry: 0 }))
    if (!signal.aborted) answer.value = asked
  }

  tryOnScopeDispose(useFleet().onEvent((event) => {
    if (event.type !== 'presence' || event.data.deviceId !== deviceId || !time.isLive.value || !answer.value) return
    answer.value = withPresenceChange(answer.value, event.data)
  }))

  return {
    /** `null` until it is answered. */
    answer,
    ...useHistoryLoading({ ...time, load }),
  }
}
