import { computed, ref } from 'vue'
import { createSharedComposable } from '@vueuse/core'
import { useRouter } from '#imports'
import { findJumps } from '#shared/device/device-search'
import type { Jump } from '#shared/device/device-search'
import { useFleet } from '../fleet/useFleet'
import { usePages } from './usePages'
import { useProfiles } from '../registry/useProfiles'

/** Devices that are offered at once. */
const MOST_DEVICES = 12

export interface PaletteChoice { key: string, label: string, detail: string, icon: string, go: () => void }

/** Whether the palette is open; shared by the button, the shortcut and the palette. */
export const usePaletteOpen = createSharedComposable(() => ref(false))

/** The palette's results for the typed text: pages, then devices. */
export function usePaletteChoices(typed: () => string) {
  const router = useRouter()
  const pages = usePages()
  const fleet = useFleet()
  const { nameOf, labelsOf } = useProfiles()

  function* jumps(): Iterable<Jump> {
    for (const { device: { deviceId } } of fleet.all()) yield { deviceId, name: nameOf(deviceId), ...labelsOf(deviceId) }
  }

  return computed((): PaletteChoice[] => {
    const query = typed().trim().toLowerCase()
    const devices = fleet.members.value < 0 ? [] : findJumps(jumps(), query, MOST_DEVICES)
    return [
      ...pages.value.filter(({ label }) => label.toLowerCase().includes(query)).map(({ label, icon, to }) => ({
        key: `page ${to}`, label, detail: '', icon, go: () => void router.push(to),
      })),
      ...devices.map(({ deviceId, name, group, place }) => ({
        key: `device ${deviceId}`,
        label: name,
        detail: [name === deviceId ? '' : deviceId, group, place].filter(Boolean).join(' · '),
        icon: 'i-lucide-radio',
        go: () => void router.push({ name: 'devices-deviceId', params: { deviceId } }),
      })),
    ]
  })
}
