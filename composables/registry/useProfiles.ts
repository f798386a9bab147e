import { createSharedComposable, tryOnScopeDispose } from '@vueuse/core'
import { computed, readonly, ref, shallowRef } from 'vue'
import { KnownDevicesSchema, KnownDeviceSchema } from '#shared/schemas/profile'
import type { DeviceProfile, KnownDevice, MetricProfile } from '#shared/schemas/profile'
import { sortedLabels } from '#shared/fleet/fleet-view'
import type { FleetLabels } from '#shared/fleet/fleet-view'
import { useEventStream } from '../stream/useEventStream'

const RETRY_MS = 5_000

function createProfiles() {
  const stream = useEventStream()
  const profiles = shallowRef<ReadonlyMap<string, KnownDevice>>(new Map())
  const revision = ref(0)
  // What has changed while the whole was being asked for.
  let meanwhile: KnownDevice[] | undefined
  let retry: ReturnType<typeof setTimeout> | undefined

  function set(devices: readonly KnownDevice[], base: ReadonlyMap<string, KnownDevice> = profiles.value) {
    const next = new Map(base)
    for (const device of devices) {
      if (Object.keys(device).length > 1) next.set(device.deviceId, device)
      else next.delete(device.deviceId)
    }
    profiles.value = next
    revision.value++
  }

  async function load() {
    if (meanwhile) return
    clearTimeout(retry)
    const changed: KnownDevice[] = meanwhile = []
    try {
      const devices = KnownDevicesSchema.parse(await $fetch('/api/devices', { retry: 0 }))
      set([...devices, ...changed], new Map())
    }
    catch {
      // The pages go on with deviceIds; a lost server brings a new snapshot, any other fault another attempt.
      retry = setTimeout(() => stream.status.value === 'live' && void load(), RETRY_MS)
    }
    finally {
      meanwhile = undefined
    }
  }

  // After a gap in the stream something may have been missed; the snapshot says that there was one.
  tryOnScopeDispose(stream.onEvent((event) => {
    if (event.type === 'snapshot') void load()
    // Of a device that may not be seen any more nothing stays.
    if (event.type !== 'device' && event.type !== 'withdrawn') return
    meanwhile?.push(event.data)
    set([event.data])
  }))
  tryOnScopeDispose(() => clearTimeout(retry))
  // Who asks first may come after the snapshot.
  if (stream.status.value === 'live') void load()

  return {
    /** By deviceId; a device that nobody has said anything about is missing. */
    profiles,
    /** Counts up whenever something else is said. */
    revision: readonly(revision),
    groups: computed(() => labelsOf(profiles.value, 'group')),
    places: computed(() => labelsOf(profiles.value, 'place')),
    profileOf: (deviceId: string): KnownDevice | undefined => profiles.value.get(deviceId),
    /** What people call it; the deviceId while nobody has said. */
    nameOf: (deviceId: string): string => profiles.value.get(deviceId)?.name ?? deviceId,
    /** Where it belongs; empty while nobody has said. */
    labelsOf(deviceId: string): FleetLabels {
      const profile = profiles.value.get(deviceId)
      return { group: profile?.group ?? '', place: profile?.place ?? '' }
    },
    /** What people say about a metric of a device. */
    metricOf(deviceId: string, metric: string): MetricProfile | undefined {
      const metrics = profiles.value.get(deviceId)?.metrics
      return metrics && Object.hasOwn(metrics, metric) ? metrics[metric] : undefined
    },
    /** Says something about a device in place of what was said before. @throws what `$fetch` throws. */
    async save(deviceId: string, profile: DeviceProfile) {
      set([KnownDeviceSchema.parse(await $fetch(addressOf(deviceId), { method: 'PUT', body: profile, retry: 0 }))])
    },
    /** Gives a device a picture, or takes it away. @throws what `$fetch` throws. */
    async savePicture(deviceId: string, picture: Blob | null) {
      const address = `${addressOf(deviceId)}/picture`
      const answer = picture
        ? await $fetch(address, { method: 'PUT', body: picture, headers: { 'content-type': 'application/octet-stream' }, retry: 0 })
        : await $fetch(address, { method: 'DELETE', retry: 0 })
      set([KnownDeviceSchema.parse(answer)])
    },
  }
}

/** What people say about devices, kept up to date; one for all pages of this browser tab. */
export const useProfiles = createSharedComposable(createProfiles)

/** `/api/devices/{deviceId}` */
export function addressOf(deviceId: string): string {
  return `/api/devices/${encodeURIComponent(deviceId)}`
}

function labelsOf(profiles: ReadonlyMap<string, KnownDevice>, field: 'group' | 'place'): string[] {
  return sortedLabels(Array.from(profiles.values(), profile => profile[field] ?? ''))
}
