import { computed, onMounted, ref, shallowRef } from 'vue'
import { AuditSchema } from '#shared/schemas/access'
import type { Audit, AuditEntry } from '#shared/schemas/access'

/** The audit log, page by page. */
export function useAudit() {
  const entries = shallowRef<readonly AuditEntry[]>([])
  const last = shallowRef<Audit | null>(null)
  const status = ref<'loading' | 'ready' | 'failed'>('loading')

  async function more() {
    const before = last.value?.next
    try {
      last.value = AuditSchema.parse(await $fetch('/api/audit', { query: before ? { before } : {}, retry: 0 }))
      entries.value = [...entries.value, ...last.value.entries]
      status.value = 'ready'
    }
    catch {
      status.value = 'failed'
    }
  }
  onMounted(more)

  return { entries, status, more, logins: computed(() => last.value?.logins), hasMore: computed(() => typeof last.value?.next === 'number') }
}
