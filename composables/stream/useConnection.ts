import { computed } from 'vue'
import { useEventStream } from './useEventStream'
import { useFleet } from '../fleet/useFleet'
import { useReplayRoute } from '../replay/useReplayRoute'

/** What stands between the operator and live values; the server's own fault hides the broker's. */
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
    // How the broker is today does not matter to the past.
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
    /** Everything shown is what was known before the connection to the server broke. */
    isOld: computed(() => hasSnapshot.value && status.value !== 'live'),
    hasSnapshot,
    sinceMs,
    broker,
  }
}
