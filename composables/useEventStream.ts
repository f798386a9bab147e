import { createSharedComposable, tryOnScopeDispose, useIntervalFn, useWebSocket } from '@vueuse/core'
import { onMounted, ref, watch } from 'vue'
import { StreamEventSchema } from '#shared/schemas/events'
import type { StreamEvent, StreamRequest } from '#shared/schemas/events'

/** `live` from the snapshot on; `disconnected` until the next one. */
type StreamStatus = 'connecting' | 'live' | 'disconnected'

const PING = JSON.stringify({ type: 'ping' } satisfies StreamRequest)
const PING_EVERY_MS = 3_000
/** With a ping every 3 s a dead connection is noticed within 9 s. */
const MISSED_PINGS_ALLOWED = 1
const RETRY_FIRST_MS = 500
const RETRY_MAX_MS = 3_000

function createEventStream() {
  const status = ref<StreamStatus>('connecting')
  const sinceMs = ref(0)
  const listeners = new Set<(event: StreamEvent) => void>()
  let unanswered = 0

  const socket = useWebSocket(streamAddress, {
    immediate: false,
    autoConnect: false,
    // Its own close on `beforeunload` would also end the stream of a page that stays.
    autoClose: false,
    autoReconnect: { retries: -1, delay: retryDelay },
    onMessage(from, { data }) {
      // A connection that was given up may still deliver.
      if (from !== socket.ws.value) return
      unanswered = 0
      receive(data)
    },
  })

  function receive(data: unknown) {
    const event = parseEvent(data)
    if (!event) return
    if (event.type === 'snapshot') setStatus('live')
    for (const listener of listeners) listener(event)
  }

  function setStatus(next: StreamStatus) {
    if (status.value === next) return
    status.value = next
    sinceMs.value = Date.now()
  }

  // Pings are counted, not timed: a hidden tab's timers may run once a minute only, and that is no dead connection.
  // VueUse's own heartbeat would wait for the closing handshake of the dead connection before it tries again.
  const heartbeat = useIntervalFn(() => {
    if (socket.status.value === 'CLOSED') return
    if (unanswered > MISSED_PINGS_ALLOWED) {
      unanswered = 0
      setStatus('disconnected')
      return socket.open()
    }
    unanswered++
    socket.send(PING, false)
  }, PING_EVERY_MS, { immediate: false })

  watch(socket.status, (now) => {
    unanswered = 0
    if (now === 'CLOSED') setStatus('disconnected')
  }, { flush: 'sync' })

  onMounted(() => {
    sinceMs.value = Date.now()
    socket.open()
    heartbeat.resume()
  })
  tryOnScopeDispose(() => socket.close())

  return {
    status,
    /** Since when `status` holds, by this computer's clock. */
    sinceMs,
    /** Calls `listener` for every event in order; returns how to stop it. */
    onEvent(listener: (event: StreamEvent) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** The one event stream of this browser tab: opened when the first page is mounted, kept across pages, tried for ever. */
export const useEventStream = createSharedComposable(createEventStream)

function streamAddress(): string | undefined {
  if (!import.meta.client) return undefined
  const { protocol, host } = window.location
  return `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}/ws/events`
}

/** Doubles up to a limit, and spreads the browsers of a restarted server. */
function retryDelay(attempt: number): number {
  const delay = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (attempt - 1))
  return delay * (0.7 + Math.random() * 0.3)
}

/** What this page does not understand it ignores, as the contract lets every client. */
function parseEvent(data: unknown): StreamEvent | undefined {
  if (typeof data !== 'string') return undefined
  try {
    return StreamEventSchema.safeParse(JSON.parse(data)).data
  }
  catch {
    return undefined
  }
}
