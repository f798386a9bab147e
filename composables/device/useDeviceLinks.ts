import { useRouter } from '#imports'

/**
 * Links to device pages as plain elements, each in one with `data-device`: `onClick`, on any parent of them, opens
 * them without a page load.
 */
export function useDeviceLinks() {
  const router = useRouter()
  const placeOf = (deviceId: string) => ({ name: 'devices-deviceId', params: { deviceId } } as const)
  return {
    addressOfPage: (deviceId: string) => router.resolve(placeOf(deviceId)).href,
    onClick(event: MouseEvent) {
      const isOrdinary = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey
      const link = event.target instanceof Element ? event.target.closest('a') : null
      const deviceId = link?.closest('[data-device]')?.getAttribute('data-device')
      if (deviceId === undefined || deviceId === null || !isOrdinary || event.defaultPrevented) return
      event.preventDefault()
      void router.push(placeOf(deviceId))
    },
  }
}
