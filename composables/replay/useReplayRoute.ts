import { createSharedComposable } from '@vueuse/core'
import { computed, onScopeDispose, readonly, ref, shallowReadonly, shallowRef, watch } from 'vue'
import { useRouter } from '#imports'
import { MAX_SPEED } from '#shared/schemas/events'
import type { ReplayClock } from '#shared/schemas/events'
import { IsoTimestampSchema } from '#shared/schemas/telemetry'

function createReplayRoute() {
  const router = useRouter()
  const clock = shallowRef<ReplayClock | null>(null)
  /** Counts how often a page has left the present, or returned. */
  const transitions = ref(0)
  // What this page has written into the address itself.
  let written: string | null = null
  let isLeaving = false
  let isBack = false

  const at = computed(() => {
    const given = IsoTimestampSchema.safeParse(firstOf(router.currentRoute.value.query.at))
    return given.success ? given.data : null
  })
  const speed = computed(() => {
    const given = Number(firstOf(router.currentRoute.value.query.speed) || 0)
    return given > 0 && given <= MAX_SPEED ? given : 0
  })
  const jumps = shallowRef<string | null>(null)

  function write(moment: string | null, times: number, how: 'push' | 'replace' = 'replace') {
    written = moment
    const query = { ...router.currentRoute.value.query, at: moment ?? undefined, speed: times > 0 ? String(times) : undefined }
    return router[how]({ query })
  }

  watch(at, (now, before) => {
    if ((now === null) !== (before === null)) {
      clock.value = null
      transitions.value++
    }
    else if (now !== null && now !== written) jumps.value = now
  }, { flush: 'sync' })

  // Links in a replay stay in the replay; only the browser's Back button leads where it came from.
  if (import.meta.client) {
    onScopeDispose(router.options.history.listen(() => { isBack = true }))
    onScopeDispose(router.beforeEach((to, from) => {
      const isLed = !isBack && !isLeaving && to.query.at === undefined && from.query.at !== undefined
      isBack = false
      return isLed ? { ...to, query: { ...to.query, at: from.query.at, speed: from.query.speed } } : undefined
    }))
  }

  return {
    /** The time in the address, or `null` for the present. */
    at,
    /** The speed in the address; 0: it is paused. */
    speed,
    isPast: computed(() => at.value !== null),
    /** The last position of the replay that the server reported. */
    clock: shallowReadonly(clock),
    /** The shown time, in milliseconds since 1970; `null` in the present. */
    momentMs: computed(() => at.value === null ? null : Date.parse(clock.value?.at ?? at.value)),
    transitions: readonly(transitions),
    /** A time that the user has put into the address. */
    jumps: shallowReadonly(jumps),
    setClock(next: ReplayClock) {
      if (at.value !== null) clock.value = next
    },
    write,
    async leave() {
      isLeaving = true
      await write(null, 0, 'push')
      isLeaving = false
    },
  }
}

/** The past time that the pages show, stored in the address: `?at=` and `&speed=`. Shared by the whole browser tab. */
export const useReplayRoute = createSharedComposable(createReplayRoute)

function firstOf(value: unknown): string {
  const first: unknown = Array.isArray(value) ? value[0] : value
  return typeof first === 'string' ? first : ''
}
