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
  // What has changed while everything was being loaded.
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
      // The pages continue with deviceIds; a reconnect brings a new snapshot, any other fault another attempt.
      retry = setTimeout(() => stream.status.value === 'live' && void load(), RETRY_MS)
    }
    finally {
      meanwhile = undefined
    }
  }

  // After a gap in the stream something may be missing; the snapshot shows that there was one.
  tryOnScopeDispose(stream.onEvent((event) => {
    if (event.type === 'snapshot') void load()
    // The profile of a device that may not be seen any more is removed.
    if (event.type !== 'device' && event.type !== 'withdrawn') return
    meanwhile?.push(event.data)
    set([event.data])
  }))
  tryOnScopeDispose(() => clearTimeout(retry))
  // The first request may come after the snapshot.
  if (stream.status.value === 'live') void load()

  return {
    /** By deviceId; devices without a profile are missing. */
    profiles,
    /** Counts up when a profile changes. */
    revision: readonly(revision),
    groups: computed(() => labelsOf(profiles.value, 'group')),
    places: computed(() => labelsOf(profiles.value, 'place')),
    profileOf: (deviceId: string): KnownDevice | undefined => profiles.value.get(deviceId),
    /** The name; the deviceId without a profile. */
    nameOf: (deviceId: string): string => profiles.value.get(deviceId)?.name ?? deviceId,
    /** Group and place; empty without a profile. */
    labelsOf(deviceId: string): FleetLabels {
      const profile = profiles.value.get(deviceId)
      return { group: profile?.group ?? '', place: profile?.place ?? '' }
    },
    /** The profile of a metric of a device. */
    metricOf(deviceId: string, metric: string): MetricProfile | undefined {
      const metrics = profiles.value.get(deviceId)?.metrics
      return metrics && Object.hasOwn(metrics, metric) ? metrics[metric] : undefined
    },
    /** Replaces the profile of a device. @throws the errors of `$fetch`. */
    async save(deviceId: string, profile: DeviceProfile) {
      set([KnownDeviceSchema.parse(await $fetch(addressOf(deviceId), { method: 'PUT', body: profile, retry: 0 }))])
    },
    /** Sets or removes the picture of a device. @throws the errors of `$fetch`. */
    async savePicture(deviceId: string, picture: Blob | null) {
      const address = `${addressOf(deviceId)}/picture`
      const answer = picture
        ? await $fetch(address, { method: 'PUT', body: picture, headers: { 'content-type': 'application/octet-stream' }, retry: 0 })
        : await $fetch(address, { method: 'DELETE', retry: 0 })
      set([KnownDeviceSchema.parse(answer)])
    },
  }
}

/** The profiles of all devices, always up to date; shared by all pages of this browser tab. */
export const useProfiles = createSharedComposable(createProfiles)

/** `/api/devices/{deviceId}` */
export function addressOf(deviceId: string): string {
  return `/api/devices/${encodeURIComponent(deviceId)}`
}

function labelsOf(profiles: ReadonlyMap<string, KnownDevice>, field: 'group' | 'place'): string[] {
  return sortedLabels(Array.from(profiles.values(), profile => profile[field] ?? ''))
}
