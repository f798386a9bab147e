import { tryOnScopeDispose, useIntervalFn, useWebSocket } from '@vueuse/core'
import { ref, watch } from 'vue'
import { CLOSE_RIGHTS_CHANGED, CLOSE_SIGNED_OUT, StreamEventSchema } from '#shared/schemas/events'
import type { StreamEvent, StreamRequest } from '#shared/schemas/events'
import { isOrdinaryEvent } from '#shared/utils/ordinary'
import { useAccess } from './useAccess'
import { presentMs } from './useServerTime'

/** `live` from the snapshot on, or from where the server has resumed; `disconnected` until the next one. */
export type StreamStatus = 'connecting' | 'live' | 'disconnected'

const PING_EVERY_MS = 3_000
/** With a ping every 3 s a dead connection is noticed within 9 s. */
const MISSED_PINGS_ALLOWED = 1
const RETRY_FIRST_MS = 500
const RETRY_MAX_MS = 3_000
/** A refused connection looks like a lost one: after so many in a row the server is asked whether somebody is signed in. */
const REFUSED_BEFORE_ASKING = 2

export interface StreamSocketOptions {
  /** What to ask for beside `after`, at every connection anew. */
  query: () => readonly (readonly [name: string, value: string])[]
  receive: (event: StreamEvent) => void
  /** Nothing is heard before `ready` is called. */
  isEarly?: boolean
}

/** One connection to `/ws/events` that is kept, tried for ever, and goes on behind the last event it has brought. */
export function useStreamSocket({ query, receive, isEarly = false }: StreamSocketOptions) {
  const status = ref<StreamStatus>('connecting')
  const sinceMs = ref(0)
  const access = useAccess()
  let unanswered = 0
  let refused = 0
  // Where to go on after a lost connection.
  let lastId = ''
  // While one connection takes the place of another none is lost.
  let isReplacing = false
  // What has come before it is to be heard.
  let early: (() => void)[] | undefined = isEarly ? [] : undefined

  const socket = useWebSocket(() => streamAddress([['after', lastId], ...query()]), {
    immediate: false,
    autoConnect: false,
    // Its own close on `beforeunload` would also end the stream of a page that stays.
    autoClose: false,
    autoReconnect: { retries: -1, delay: retryDelay },
    onConnected() {
      refused = 0
    },
    onDisconnected: (_, { code }) => whenReady(() => {
      if (code === CLOSE_SIGNED_OUT) access.askToSignIn()
      else if (code === CLOSE_RIGHTS_CHANGED) access.begin()
      else if (++refused % REFUSED_BEFORE_ASKING === 0) void access.check()
    }),
    onMessage: (from, { data }) => whenReady(() => {
      // A connection that was given up may still deliver.
      if (from !== socket.ws.value) return
      unanswered = 0
      const event = parseEvent(data)
      if (!event) return
      if ('id' in event && event.id) lastId = event.id
      if (event.type === 'snapshot' || event.type === 'resumed') setStatus('live')
      receive(event)
    }),
  })

  function whenReady(act: () => void) {
    if (early) early.push(act)
    else act()
  }

  function setStatus(next: StreamStatus) {
    if (status.value === next) return
    status.value = next
    sinceMs.value = presentMs()
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
    send({ type: 'ping' })
  }, PING_EVERY_MS, { immediate: false })

  watch(socket.status, now => whenReady(() => {
    unanswered = 0
    if (now === 'CLOSED' && !isReplacing) setStatus('disconnected')
  }), { flush: 'sync' })

  function send(request: StreamRequest) {
    socket.send(JSON.stringify(request), false)
  }

  function close() {
    heartbeat.pause()
    socket.close()
  }
  tryOnScopeDispose(close)

  return {
    status,
    /** Since when `status` holds, by the server's clock. */
    sinceMs,
    lastId: () => lastId,
    /** Connects, to go on behind the event `after` or where it was. */
    open(after = lastId) {
      lastId = after
      sinceMs.value = presentMs()
      socket.open()
      heartbeat.resume()
    },
    /** From now on the page may change; what has come meanwhile is heard now. */
    ready() {
      const heard = early
      early = undefined
      heard?.forEach(act => act())
    },
    close,
    /** Connects anew to be told something else, from the snapshot on. */
    replace() {
      lastId = ''
      isReplacing = true
      setStatus('connecting')
      socket.open()
      isReplacing = false
    },
    send,
  }
}

function streamAddress(query: readonly (readonly [string, string])[]): string | undefined {
  if (!import.meta.client) return undefined
  const { protocol, host } = window.location
  return `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}/ws/events?${new URLSearchParams(query.map(([name, value]) => [name, value]))}`
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
    const value: unknown = JSON.parse(data)
    return isOrdinaryEvent(value) ? value : StreamEventSchema.safeParse(value).data
  }
  catch {
    return undefined
  }
}
