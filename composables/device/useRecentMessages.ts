import { tryOnScopeDispose } from '@vueuse/core'
import { onMounted, shallowRef, watch } from 'vue'
import { RecentMessagesSchema } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { joinMessages } from '#shared/device/message-list'
import { useFleet } from '../fleet/useFleet'
import { useReplayRoute } from '../replay/useReplayRoute'

/** The last messages of a device, newest first: what the server remembers, then live. */
export function useRecentMessages(deviceId: string) {
  const fleet = useFleet()
  const { momentMs, isPast } = useReplayRoute()
  const messages = shallowRef<readonly Telemetry[]>([])

  async function load() {
    // Asked only about devices that exist: a 404 would be an error in the browser's console.
    if (!fleet.has(deviceId) || fleet.status.value !== 'live') return
    try {
      // Up to this moment, that included.
      const before = momentMs.value === null ? undefined : new Date(momentMs.value + 1).toISOString()
      const answer = await $fetch(`/api/sensors/${encodeURIComponent(deviceId)}/messages`, { query: { before } })
      messages.value = joinMessages(messages.value, RecentMessagesSchema.parse(answer).messages)
    }
    catch {
      // What the stream brings is shown all the same.
    }
  }

  tryOnScopeDispose(fleet.onEvent((event) => {
    // Another moment has other messages.
    if (event.type === 'snapshot' && isPast.value) {
      messages.value = []
      void load()
    }
    if (event.type === 'telemetry' && event.data.deviceId === deviceId) messages.value = joinMessages([event.data], messages.value)
  }))
  // Again after every reconnection: what was missed meanwhile is in the server's answer.
  watch(fleet.status, load)
  onMounted(load)

  return { messages }
}
