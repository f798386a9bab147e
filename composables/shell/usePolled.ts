import { useDocumentVisibility, useIntervalFn } from '@vueuse/core'
import { onMounted, ref, shallowRef, watch } from 'vue'
import type { z } from 'zod'
import { useEventStream } from '../stream/useEventStream'

export interface PolledOptions<T extends z.ZodType> {
  path: string
  query?: () => Record<string, string | string[] | undefined>
  schema: T
  everyMs: number
}

/** An answer of the API, requested regularly while the page is visible and the server is there. */
export function usePolled<T extends z.ZodType>({ path, query, schema, everyMs }: PolledOptions<T>) {
  const { status: stream } = useEventStream()
  const visibility = useDocumentVisibility()
  const answer = shallowRef<z.output<T> | null>(null)
  const status = ref<'loading' | 'ready' | 'failed'>('loading')
  let asked = 0

  async function refresh() {
    // The stream knows whether the server is there; a request to a dead one only fills the browser's console.
    if (stream.value !== 'live' || visibility.value !== 'visible') return
    const number = ++asked
    try {
      const body = await $fetch<unknown>(path, { query: query?.() ?? {}, retry: 0 })
      // Another request has been made meanwhile.
      if (number !== asked) return
      answer.value = schema.parse(body)
      status.value = 'ready'
    }
    catch {
      if (number === asked) status.value = 'failed'
    }
  }

  useIntervalFn(refresh, everyMs)
  watch([stream, visibility], refresh)
  if (query) watch(query, refresh)
  onMounted(refresh)

  return { answer, status, refresh }
}
