import { tryOnScopeDispose } from '@vueuse/core'
import { onMounted, shallowRef, watch } from 'vue'
import { RecentMessagesSchema } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { joinMessages } from '#shared/device/message-list'
import { useFleet } from '../fleet/useFleet'
import { useReplayRoute } from '../replay/useReplayRoute'

/** The last messages of a device, newest first: first from the server, then live. */
export function useRecentMessages(deviceId: string) {
  const fleet = useFleet()
  const { momentMs, isPast } = useReplayRoute()
  const messages = shallowRef<readonly Telemetry[]>([])

  async function load() {
    // Only for devices that exist: a 404 would be an error in the browser's console.
    if (!fleet.has(deviceId) || fleet.status.value !== 'live') return
    try {
      // Up to and including this time.
      const before = momentMs.value === null ? undefined : new Date(momentMs.value + 1).toISOString()
      const answer = await $fetch(`/api/sensors/${encodeURIComponent(deviceId)}/messages`, { query: { before } })
      messages.value = joinMessages(messages.value, RecentMessagesSchema.parse(answer).messages)
    }
    catch {
      // Messages from the stream are shown anyway.
    }
  }

  tryOnScopeDispose(fleet.onEvent((event) => {
    // Another time has other messages.
    if (event.type === 'snapshot' && isPast.value) {
      messages.value = []
      void load()
    }
    if (event.type === 'telemetry' && event.data.deviceId === deviceId) messages.value = joinMessages([event.data], messages.value)
  }))
  // Again after every reconnection: the server's answer contains what was missed.
  watch(fleet.status, load)
  onMounted(load)

  return { messages }
}
