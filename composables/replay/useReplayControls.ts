import { createSharedComposable, tryOnScopeDispose } from '@vueuse/core'
import { computed, ref, watch } from 'vue'
import { useRouter } from '#imports'
import { useEventStream } from '../stream/useEventStream'
import { useReplayRoute } from './useReplayRoute'
import { presentMs } from '../shell/useServerTime'

export const SPEEDS = [1, 10, 60, 600] as const
/** Where a replay begins when it is started in the present. */
const FIRST_BACK_MS = 600_000

/** The server's codes for a time that it cannot show. */
export interface MomentFault { code: string, message: string }

function createTimeMachine() {
  const router = useRouter()
  const stream = useEventStream()
  const moment = useReplayRoute()
  const fault = ref<MomentFault | null>(null)
  const chosen = ref<number>(moment.speed.value || 1)

  tryOnScopeDispose(stream.onEvent((event) => {
    if (event.type === 'error' && moment.isPast.value) fault.value = event.data
    if (event.type === 'snapshot') fault.value = null
    if (event.type !== 'clock') return
    const before = moment.clock.value
    moment.setClock(event.data)
    // While it plays, the address names where it began: writing it all the time would disturb every link.
    const { at, speed, state } = event.data
    const isNews = before !== null && (before.state !== state || (state !== 'playing' && before.at !== at))
    if (isNews) void moment.write(at, state === 'playing' ? speed : 0)
  }))
  watch(moment.transitions, () => { fault.value = null })
  watch(moment.jumps, at => at !== null && stream.send({ type: 'seek', at }))

  function play(speed: number) {
    chosen.value = speed
    stream.send({ type: 'play', speed })
  }

  return {
    isPast: moment.isPast,
    momentMs: moment.momentMs,
    state: computed(() => moment.clock.value?.state ?? 'paused'),
    /** The speed that is, or would be, played. */
    speed: computed(() => moment.clock.value?.state === 'playing' ? moment.clock.value.speed : chosen.value),
    fault,
    /** Shows the fleet at a time in milliseconds since 1970; without one, some minutes ago. */
    visit(atMs = presentMs() - FIRST_BACK_MS) {
      const at = new Date(atMs).toISOString()
      fault.value = null
      if (moment.isPast.value) stream.send({ type: 'seek', at })
      const isPlaying = moment.clock.value?.state === 'playing'
      void moment.write(at, isPlaying ? moment.clock.value?.speed ?? 0 : 0, moment.isPast.value ? 'replace' : 'push')
    },
    play,
    pause: () => stream.send({ type: 'pause' }),
    toggle() {
      if (moment.clock.value?.state === 'playing') stream.send({ type: 'pause' })
      else play(chosen.value)
    },
    choose(speed: number) {
      if (moment.clock.value?.state === 'playing') play(speed)
      else chosen.value = speed
    },
    /** A step is possible only over a WebSocket. */
    canStep: computed(() => !stream.isByEvents.value),
    step: () => stream.send({ type: 'step' }),
    leave: moment.leave,
    /** The address of exactly this time. */
    link(): string {
      const { path, query, hash } = router.currentRoute.value
      const at = moment.clock.value?.at ?? moment.at.value ?? undefined
      const isPlaying = moment.clock.value?.state === 'playing'
      return new URL(router.resolve({ path, hash, query: { ...query, at, speed: isPlaying ? String(moment.clock.value?.speed) : undefined } }).href, window.location.href).href
    },
  }
}

/** The controls of a replay: its position, its speed, and the way back to the present. */
export const useReplayControls = createSharedComposable(createTimeMachine)
