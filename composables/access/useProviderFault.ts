import { computed } from 'vue'
import { useI18n, useRoute } from '#imports'
import { isAccessFault } from '#shared/api/access'

/** Why the identity provider refused a sign-in, as a sentence for the code in the address; empty without a code. */
export function useProviderFault() {
  const { t } = useI18n()
  const route = useRoute()
  return computed(() => {
    const { fault } = route.query
    return typeof fault === 'string' && isAccessFault(fault) ? t(`access.fault.${fault}`) : ''
  })
}
