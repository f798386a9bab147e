import { createSharedComposable, useIntervalFn, watchThrottled } from '@vueuse/core'
import { readonly, ref, watch } from 'vue'
import { PresenceCountsSchema } from '#shared/schemas/device'
import { presenceOf } from '#shared/device/device-status'
import { useFleet } from './useFleet'

const COUNT_MS = 1_000
const ASK_MS = 15_000

function createSilentCount() {
  const fleet = useFleet()
  const silentCount = ref(0)
  let isAsking = false

  function count() {
    if (fleet.isPartial()) return
    let devices = 0
    for (const { device } of fleet.all()) {
      const presence = presenceOf(device)
      if (presence === 'silent' || presence === 'offline') devices++
    }
    silentCount.value = devices
  }

  // The page of one device of a large fleet gets no data of others.
  async function ask() {
    if (isAsking || fleet.status.value !== 'live' || !fleet.isPartial()) return
    isAsking = true
    try {
      const { silent, offline } = PresenceCountsSchema.parse(await $fetch('/api/presence', { retry: 0 }))
      silentCount.value = silent + offline
    }
    catch {
      // The count stays as it was; the connection's own banner shows why.
    }
    finally {
      isAsking = false
    }
  }

  watch(fleet.hasSnapshot, count)
  watchThrottled(fleet.revision, count, { throttle: COUNT_MS, leading: true, trailing: true })
  useIntervalFn(ask, ASK_MS)
  return readonly(silentCount)
}

/** The number of silent or signed-off devices, on every page. */
export const useSilentCount = createSharedComposable(createSilentCount)
