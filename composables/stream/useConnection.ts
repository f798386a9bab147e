import { computed } from 'vue'
import { useEventStream } from './useEventStream'
import { useFleet } from '../fleet/useFleet'
import { useReplayRoute } from '../replay/useReplayRoute'

/** The faults between the page and live values; a fault of the server hides those of the broker. */
export type ConnectionFault = 'server' | 'broker'

/** How live the page is, from the broker to this browser. */
export function useConnection() {
  const { status, sinceMs, broker, hasSnapshot } = useFleet()
  const { isPast } = useReplayRoute()
  const { isByEvents, refusal } = useEventStream()

  const isBrokerUp = computed(() => broker.value?.code === 'connected')
  // The first attempt after a start is no fault yet.
  const isBrokerStarting = computed(() => !broker.value || (broker.value.code === 'connecting' && broker.value.attempts === 0))

  const fault = computed<ConnectionFault | null>(() => {
    if (status.value === 'disconnected') return 'server'
    // A replay does not depend on the present state of the broker.
    if (!isPast.value && status.value === 'live' && !isBrokerUp.value && !isBrokerStarting.value) return 'broker'
    return null
  })

  return {
    fault,
    isLive: computed(() => !isPast.value && status.value === 'live' && isBrokerUp.value),
    isPast,
    /** Live, but without a WebSocket. */
    isByEvents: computed(() => isByEvents.value && status.value === 'live'),
    /** Why the server refuses the stream, or the WebSocket alone. */
    refusal,
    /** Everything shown is from before the connection to the server broke. */
    isOld: computed(() => hasSnapshot.value && status.value !== 'live'),
    hasSnapshot,
    sinceMs,
    broker,
  }
}
