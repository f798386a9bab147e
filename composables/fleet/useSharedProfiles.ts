import { onMounted, shallowRef, watch } from 'vue'
import { useI18n, useToast } from '#imports'
import { GroupsSchema, MAX_INTERVAL_SECONDS, MIN_INTERVAL_SECONDS, SharedProfileSchema } from '#shared/schemas/profile'
import { faultOf } from '../registry/useProfileSaving'
import { useProfiles } from '../registry/useProfiles'

/** The site (`group: null`) or a group, and its configured interval. */
export interface SharedLine { group: string | null, devices: number | null, intervalSeconds: number | undefined }

/** The settings of the site and of groups. */
export function useSharedProfiles() {
  const { t } = useI18n()
  const toast = useToast()
  const { revision } = useProfiles()
  const lines = shallowRef<readonly SharedLine[]>([])

  async function load() {
    try {
      const [site, groups] = await Promise.all([$fetch('/api/site', { retry: 0 }), $fetch('/api/groups', { retry: 0 })])
      lines.value = [
        { group: null, devices: null, intervalSeconds: SharedProfileSchema.parse(site).intervalSeconds },
        ...GroupsSchema.parse(groups).map(({ name, devices, intervalSeconds }) => ({ group: name, devices, intervalSeconds })),
      ]
    }
    catch {
      // The lines stay as they were; the connection's own banner shows why.
    }
  }
  onMounted(load)
  watch(revision, load)

  return {
    lines,
    /** Sets an interval from the typed text; an empty text removes it. */
    async set(group: string | null, typed: string) {
      const text = typed.trim().replace(',', '.')
      const profile = SharedProfileSchema.safeParse(text === '' ? {} : { intervalSeconds: Number(text) })
      if (!profile.success) {
        toast.add({ title: t('profile.fault.interval', { min: MIN_INTERVAL_SECONDS, max: MAX_INTERVAL_SECONDS }), icon: 'i-lucide-triangle-alert', color: 'error' })
        return
      }
      try {
        await $fetch(group === null ? '/api/site' : `/api/groups/${encodeURIComponent(group)}`, { method: 'PUT', body: profile.data, retry: 0 })
        toast.add({ title: t('profile.saved'), icon: 'i-lucide-check', color: 'success' })
      }
      catch (error) {
        toast.add({ title: t('profile.notSaved'), description: faultOf(error), icon: 'i-lucide-triangle-alert', color: 'error' })
      }
      await load()
    },
  }
}
