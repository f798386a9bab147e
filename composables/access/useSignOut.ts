import { useToast } from '#imports'
import { SignedOutSchema } from '#shared/schemas/access'
import { useAccess } from './useAccess'
import { useAccessForm } from './useAccessForm'

/**
 * Signs out, here or everywhere, and goes to the login; through the identity provider for users who came from there.
 */
export function useSignOut() {
  const toast = useToast()
  const { goTo, isLeaving } = useAccess()
  const { isBusy, fault, attempt } = useAccessForm()
  return {
    isBusy,
    async signOut(everywhere = false) {
      let next = '/login'
      isLeaving.value = true
      const isOut = await attempt(async () => {
        next = SignedOutSchema.parse(await $fetch(everywhere ? '/api/account/sessions' : '/api/session', { method: 'DELETE', retry: 0 })).leadsTo ?? next
      })
      if (isOut) return goTo(next)
      isLeaving.value = false
      toast.add({ title: fault.value, icon: 'i-lucide-triangle-alert', color: 'error' })
    },
  }
}
