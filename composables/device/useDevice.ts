import { computed, toValue } from 'vue'
import type { MaybeRefOrGetter } from 'vue'
import { signsOf } from '#shared/device/device-status'
import { useFleet } from '../fleet/useFleet'

/** One device and its status; `undefined` while it is unknown. */
export function useDevice(deviceId: MaybeRefOrGetter<string>) {
  const fleet = useFleet()

  const entry = computed(() => fleet.entry(toValue(deviceId)))
  const signs = computed(() => entry.value && signsOf(entry.value.device, entry.value.door))
  return { entry, signs }
}
