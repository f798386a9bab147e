import { useToast } from '#imports'
import { useAccess } from './useAccess'
import { useAccessForm } from './useAccessForm'

/** Signs out, here or everywhere, and goes to the login. */
export function useSignOut() {
  const toast = useToast()
  const { goTo } = useAccess()
  const { isBusy, fault, attempt } = useAccessForm()
  return {
    isBusy,
    async signOut(everywhere = false) {
      const isOut = await attempt(async () => {
        await $fetch(everywhere ? '/api/account/sessions' : '/api/session', { method: 'DELETE', retry: 0 })
      })
      if (isOut) goTo('/login')
      else toast.add({ title: fault.value, icon: 'i-lucide-triangle-alert', color: 'error' })
    },
  }
}
