import { ref } from 'vue'
import { useI18n, useToast } from '#imports'
import { ErrorAnswerSchema } from '#shared/schemas/error'
import type { DeviceProfile, KnownDevice } from '#shared/schemas/profile'
import { addressOf, useProfiles } from './useProfiles'

const UNDO_MS = 15_000

/** A new picture, `null` to remove it, `undefined` to leave it. */
export type PictureChange = Blob | null | undefined

/** Saves the profile of a device, and offers to undo it. */
export function useProfileSaving(deviceId: string) {
  const { t } = useI18n()
  const toast = useToast()
  const { profileOf, save, savePicture } = useProfiles()
  const isSaving = ref(false)
  /** Why it was not saved, in the server's words. */
  const fault = ref<string | null>(null)

  async function write(profile: DeviceProfile, picture: PictureChange) {
    await save(deviceId, profile)
    if (picture !== undefined) await savePicture(deviceId, picture)
  }

  async function undo(profile: DeviceProfile, picture: PictureChange) {
    try {
      await write(profile, picture)
      toast.add({ title: t('profile.undone'), icon: 'i-lucide-undo-2', color: 'neutral' })
    }
    catch (error) {
      toast.add({ title: t('profile.notSaved'), description: faultOf(error), icon: 'i-lucide-triangle-alert', color: 'error' })
    }
  }

  return {
    isSaving,
    fault,
    /** Whether it was saved. */
    async submit(profile: DeviceProfile, picture: PictureChange): Promise<boolean> {
      isSaving.value = true
      fault.value = null
      try {
        const before = withoutIdentity(profileOf(deviceId))
        const pictureBefore = picture === undefined ? undefined : await pictureOf(profileOf(deviceId))
        await write(profile, picture)
        toast.add({
          title: t('profile.saved'),
          icon: 'i-lucide-check',
          color: 'success',
          duration: UNDO_MS,
          actions: [{ label: t('profile.undo'), icon: 'i-lucide-undo-2', color: 'neutral', variant: 'outline', onClick: () => void undo(before, pictureBefore) }],
        })
        return true
      }
      catch (error) {
        fault.value = faultOf(error)
        return false
      }
      finally {
        isSaving.value = false
      }
    },
  }
}

function withoutIdentity(device: KnownDevice | undefined): DeviceProfile {
  if (!device) return {}
  const { deviceId: _, picture: __, ...profile } = device
  return profile
}

async function pictureOf(device: KnownDevice | undefined): Promise<Blob | null> {
  if (!device?.picture) return null
  return await $fetch<Blob>(`${addressOf(device.deviceId)}/picture`, { responseType: 'blob', retry: 0 })
}

/** The server's own sentence about an error, or the browser's. */
export function faultOf(error: unknown): string {
  const data: unknown = error instanceof Error && 'data' in error ? error.data : undefined
  return ErrorAnswerSchema.safeParse(data).data?.error.message ?? (error instanceof Error ? error.message : String(error))
}
