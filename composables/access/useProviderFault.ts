import { computed } from 'vue'
import { useI18n, useRoute } from '#imports'
import { isAccessFault } from '#shared/api/access'

/** In words why the identity provider led nobody in, as the address says by a code; empty when it says nothing of that. */
export function useProviderFault() {
  const { t } = useI18n()
  const route = useRoute()
  return computed(() => {
    const { fault } = route.query
    return typeof fault === 'string' && isAccessFault(fault) ? t(`access.fault.${fault}`) : ''
  })
}
