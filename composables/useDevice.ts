import { computed, toValue } from 'vue'
import type { MaybeRefOrGetter } from 'vue'
import { useRuntimeConfig } from '#imports'
import { signsOf } from '#shared/utils/device-signs'
import { useClock } from './useClock'
import { useFleet } from './useFleet'

/** One device and its signs at this second; `undefined` while nothing is known of it. */
export function useDevice(deviceId: MaybeRefOrGetter<string>) {
  const fleet = useFleet()
  const { serverNowMs } = useClock()
  const staleAfterMs = useRuntimeConfig().public.staleAfterSeconds * 1_000

  const entry = computed(() => fleet.entry(toValue(deviceId)))
  const signs = computed(() => entry.value && signsOf(entry.value.device, entry.value.door, serverNowMs.value, staleAfterMs))
  return { entry, signs }
}
