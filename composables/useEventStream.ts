import { createSharedComposable, tryOnScopeDispose, useIntervalFn, useWebSocket } from '@vueuse/core'
import { onMounted, ref, watch } from 'vue'
import { StreamEventSchema } from '#shared/schemas/events'
import type { StreamEvent, StreamRequest } from '#shared/schemas/events'

/** `live` from the snapshot on, or from where the server has resumed; `disconnected` until the next one. */
type StreamStatus = 'connecting' | 'live' | 'disconnected'

/** The server collects telemetry for this long: a screen needs no more, and a thousand messages a second cost it far less. */
const BATCH_MS = 50
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
  // Where to go on after a lost connection.
  let lastId = ''
  let interest: readonly string[] | null = null

  const socket = useWebSocket(() => streamAddress(lastId, interest), {
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
    if ('id' in event && event.id) lastId = event.id
    if (event.type === 'snapshot' || event.type === 'resumed') setStatus('live')
    if (event.type !== 'batch') return tell(event)
    for (const telemetry of event.data) tell({ type: 'telemetry', data: telemetry })
  }

  function tell(event: StreamEvent) {
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
    /** From now on events of these devices only, `null` for all; what changed meanwhile comes as `states`. */
    subscribe(devices: readonly string[] | null) {
      if (JSON.stringify(devices) === JSON.stringify(interest)) return
      interest = devices
      if (status.value === 'live') socket.send(JSON.stringify({ type: 'subscribe', devices: devices && [...devices] } satisfies StreamRequest), false)
    },
    /** Calls `listener` for every event in order, batches one by one; returns how to stop it. */
    onEvent(listener: (event: StreamEvent) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** The one event stream of this browser tab: opened when the first page is mounted, kept across pages, tried for ever. */
export const useEventStream = createSharedComposable(createEventStream)

function streamAddress(after: string, devices: readonly string[] | null): string | undefined {
  if (!import.meta.client) return undefined
  const { protocol, host } = window.location
  const query = new URLSearchParams([['after', after], ['batch', String(BATCH_MS)], ...(devices ?? []).map(device => ['device', device])])
  return `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}/ws/events?${query}`
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
