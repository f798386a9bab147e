import { ref } from 'vue'
import { navigateTo, useI18n, useToast } from '#imports'
import { ForgottenDeviceSchema } from '#shared/schemas/events'
import { faultOf } from '../registry/useProfileSaving'
import { addressOf, useProfiles } from '../registry/useProfiles'

const SECOND_MS = 1_000

/** Deletes a device, and offers to restore it for as long as the server can. */
export function useDeviceDeletion(deviceId: string) {
  const { t } = useI18n()
  const toast = useToast()
  const { nameOf } = useProfiles()
  const isForgetting = ref(false)
  /** Why it was not deleted, in the server's words. */
  const fault = ref<string | null>(null)

  async function restore(name: string) {
    try {
      await $fetch(`${addressOf(deviceId)}/restore`, { method: 'POST', retry: 0 })
      toast.add({ title: t('forget.undone', { name }), icon: 'i-lucide-undo-2', color: 'neutral' })
    }
    catch (error) {
      toast.add({ title: t('forget.notUndone', { name }), description: faultOf(error), icon: 'i-lucide-triangle-alert', color: 'error' })
    }
  }

  return {
    isForgetting,
    fault,
    async forget() {
      isForgetting.value = true
      fault.value = null
      const name = nameOf(deviceId)
      try {
        const { undoSeconds } = ForgottenDeviceSchema.parse(await $fetch(addressOf(deviceId), { method: 'DELETE', retry: 0 }))
        await navigateTo({ name: 'index' })
        toast.add({
          title: t('forget.done', { name }),
          icon: 'i-lucide-trash-2',
          color: 'neutral',
          duration: undoSeconds * SECOND_MS,
          actions: [{ label: t('profile.undo'), icon: 'i-lucide-undo-2', color: 'neutral', variant: 'outline', onClick: () => void restore(name) }],
        })
      }
      catch (error) {
        fault.value = faultOf(error)
      }
      finally {
        isForgetting.value = false
      }
    },
  }
}
