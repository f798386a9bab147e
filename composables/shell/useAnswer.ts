import { onMounted, ref, shallowRef } from 'vue'
import type { z } from 'zod'

/** An answer of the API, requested once when the page is there and on each `refresh`. */
export function useAnswer<T extends z.ZodType>(path: string, schema: T) {
  const answer = shallowRef<z.output<T> | null>(null)
  const status = ref<'loading' | 'ready' | 'failed'>('loading')

  function take(body: unknown) {
    answer.value = schema.parse(body)
    status.value = 'ready'
  }

  async function refresh() {
    try {
      take(await $fetch<unknown>(path, { retry: 0 }))
    }
    catch {
      status.value = 'failed'
    }
  }
  onMounted(refresh)

  return { answer, status, refresh, /** What another request has answered with. */ take }
}
