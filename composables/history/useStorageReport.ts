import { useDocumentVisibility, useIntervalFn } from '@vueuse/core'
import { onMounted, ref, shallowReadonly, shallowRef, watch } from 'vue'
import { StorageSchema } from '#shared/schemas/storage'
import type { Storage } from '#shared/schemas/storage'
import { useEventStream } from '../stream/useEventStream'

const EVERY_MS = 10_000
const NOT_THERE = new Set([404, 503])

/** The report of the store, refreshed every ten seconds while the page is visible. */
export function useStorageReport() {
  const { status: stream } = useEventStream()
  const visibility = useDocumentVisibility()
  const report = shallowRef<Storage | null>(null)
  const status = ref<'loading' | 'ready' | 'failed' | 'off'>('loading')
  let isAsking = false

  async function refresh() {
    // The stream knows whether the server is there; a request to a dead one only fills the browser's console.
    if (isAsking || status.value === 'off' || stream.value !== 'live' || visibility.value !== 'visible') return
    isAsking = true
    try {
      report.value = StorageSchema.parse(await $fetch('/api/storage', { retry: 0 }))
      status.value = 'ready'
    }
    catch (error) {
      const code: unknown = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
      status.value = typeof code === 'number' && NOT_THERE.has(code) ? 'off' : 'failed'
    }
    finally {
      isAsking = false
    }
  }

  useIntervalFn(refresh, EVERY_MS)
  watch([stream, visibility], refresh)
  onMounted(refresh)

  return { report: shallowReadonly(report), status, retry: refresh }
}
