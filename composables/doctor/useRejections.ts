import { createSharedComposable, useDocumentVisibility, useIntervalFn } from '@vueuse/core'
import { onMounted, onUnmounted, readonly, ref, shallowReadonly, shallowRef, watch } from 'vue'
import { RejectionReportSchema } from '#shared/schemas/rejection'
import type { RejectionReport } from '#shared/schemas/rejection'
import { useAccess } from '../access/useAccess'
import { useEventStream } from '../stream/useEventStream'

const ON_THE_PAGE_MS = 2_000
const FOR_THE_COUNT_MS = 15_000

function createRejections() {
  const { status } = useEventStream()
  const visibility = useDocumentVisibility()
  const { may } = useAccess()
  const report = shallowRef<RejectionReport | null>(null)
  const viewers = ref(0)
  let isAsking = false

  async function refresh() {
    // The stream knows whether the server is there; a request to a dead one only fills the browser's console.
    if (!may('get /api/rejections') || isAsking || status.value !== 'live' || visibility.value !== 'visible') return
    isAsking = true
    try {
      report.value = RejectionReportSchema.parse(await $fetch('/api/rejections'))
    }
    catch {
      // The list stays as it was; the connection's own banner shows why.
    }
    finally {
      isAsking = false
    }
  }

  const often = useIntervalFn(refresh, ON_THE_PAGE_MS, { immediate: false })
  const seldom = useIntervalFn(refresh, FOR_THE_COUNT_MS, { immediate: false })
  onMounted(seldom.resume)
  watch(viewers, count => count > 0 ? often.resume() : often.pause())
  watch([status, visibility, viewers], refresh)

  return { report: shallowReadonly(report), viewers }
}

const useSharedRejections = createSharedComposable(createRejections)

/** Rejected messages, refreshed from time to time: enough for a count. `null` until the first answer. */
export function useRejections() {
  return { report: readonly(useSharedRejections().report) }
}

/** The same, refreshed every two seconds while the calling page is shown. */
export function useLiveRejections() {
  const { report, viewers } = useSharedRejections()
  onMounted(() => viewers.value++)
  onUnmounted(() => viewers.value--)
  return { report }
}
