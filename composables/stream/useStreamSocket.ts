import { tryOnScopeDispose, useIntervalFn, useTimeoutFn, useWebSocket } from '@vueuse/core'
import { ref, watch } from 'vue'
import { useRuntimeConfig } from '#imports'
import { CLOSE_RIGHTS_CHANGED, CLOSE_SIGNED_OUT, StreamEventSchema } from '#shared/schemas/events'
import type { StreamEvent, StreamRequest } from '#shared/schemas/events'
import { isOrdinaryEvent } from '#shared/device/ordinary'
import type { StreamRefusal } from '#shared/api/stream-refusal'
import { useAccess } from '../access/useAccess'
import { presentMs } from '../shell/useServerTime'
import { useStreamFallback } from './useStreamFallback'

/** `live` from the snapshot on, or from where the server has resumed; `disconnected` until the next one. */
export type StreamStatus = 'connecting' | 'live' | 'disconnected'

const PING_EVERY_MS = 3_000
/** With a ping every 3 s a dead connection is noticed within 9 s. */
const MISSED_PINGS_ALLOWED = 1
const RETRY_FIRST_MS = 500
const RETRY_MAX_MS = 3_000
/**
 * A refused connection looks like a lost one: after this many in a row the page asks the server whether the user is
 * signed in.
 */
const REFUSED_BEFORE_ASKING = 2

/** After a refusal the next attempts are slower. */
const REFUSED_RETRY_MS = 15_000
const CLOSE_TRY_LATER = 1013

export interface StreamSocketOptions {
  /** The query beside `after`, read for every connection. */
  query: () => readonly (readonly [name: string, value: string])[]
  receive: (event: StreamEvent) => void
  /** No event is delivered before `ready` is called. */
  isEarly?: boolean
}

/**
 * One connection to `/ws/events`: always reconnected, it continues after its last event; if sockets are blocked, one
 * to `/api/events`.
 */
export function useStreamSocket({ query, receive, isEarly = false }: StreamSocketOptions) {
  const status = ref<StreamStatus>('connecting')
  const sinceMs = ref(0)
  const access = useAccess()
  const { baseURL } = useRuntimeConfig().app
  let unanswered = 0
  let refused = 0
  // Where to continue after a lost connection.
  let lastId = ''
  // While one connection replaces another none is lost.
  let isReplacing = false
  // Whether the connection has delivered anything.
  let isHeard = false
  // What came before `ready`, to be delivered then.
  let early: (() => void)[] | undefined = isEarly ? [] : undefined

  const fallback = useStreamFallback({
    address: () => addressOfStream(`${baseURL}api/events`, [['after', lastId], ...query()], 'http'),
    socketAddress: () => addressOfStream(`${baseURL}ws/events`, [['device', '']]),
    receive: text => whenReady(() => take(text)),
    onOpen() {
      heartbeat.pause()
      socket.close()
    },
    onEnd: refusal => whenReady(() => {
      setStatus('disconnected')
      if (refusal?.code === 'login-required') access.askToSignIn()
      // It had replaced the socket, which is needed again; not at once, for an immediate end would repeat without end.
      if (socket.status.value === 'CLOSED' && !heartbeat.isActive.value) reopening.start()
    }),
    onSocket: reopen,
  })

  const reopening = useTimeoutFn(reopen, RETRY_FIRST_MS, { immediate: false })

  const socket = useWebSocket(() => import.meta.client ? addressOfStream(`${baseURL}ws/events`, [['after', lastId], ...query()]) : undefined, {
    immediate: false,
    autoConnect: false,
    // Its own close on `beforeunload` would also end the stream of a page that stays.
    autoClose: false,
    autoReconnect: { retries: -1, delay: attempt => fallback.refusal.value ? REFUSED_RETRY_MS : retryDelay(attempt) },
    onConnected() {
      refused = 0
    },
    onDisconnected: (_, { code, reason }) => {
      const wasHeard = isHeard
      whenReady(() => {
        if (code === CLOSE_SIGNED_OUT) access.askToSignIn()
        else if (code === CLOSE_RIGHTS_CHANGED) access.begin()
        else if (code === CLOSE_TRY_LATER && reason?.startsWith('too many clients')) refuse({ status: 429, code: 'streams-too-many', message: undefined })
        else if (!wasHeard) fallback.start()
        else if (++refused % REFUSED_BEFORE_ASKING === 0) void access.check()
      })
    },
    onMessage: (from, { data }) => {
      if (from === socket.ws.value) isHeard = true
      whenReady(() => {
        // A closed connection may still deliver.
        if (from !== socket.ws.value) return
        unanswered = 0
        take(data)
      })
    },
  })

  function take(data: unknown) {
    const event = parseEvent(data)
    if (!event) return
    if ('id' in event && event.id) lastId = event.id
    if (event.type === 'snapshot' || event.type === 'resumed') {
      if (!fallback.isActive.value) settleSocket()
      setStatus('live')
    }
    // A socket would have been closed with a reason of its own.
    if (event.type === 'snapshot' && event.reason === 'other-rights' && fallback.isActive.value) return access.begin()
    receive(event)
  }

  /** The socket works: nothing else is needed, and nothing is refused. */
  function settleSocket() {
    fallback.stop()
    fallback.refusal.value = null
  }

  function refuse(refusal: StreamRefusal) {
    fallback.refusal.value = refusal
    setStatus('disconnected')
  }

  function whenReady(act: () => void) {
    if (early) early.push(act)
    else act()
  }

  function setStatus(next: StreamStatus) {
    if (status.value === next) return
    status.value = next
    sinceMs.value = presentMs()
  }

  // Pings are counted, not timed: a hidden tab's timers may run only once a minute, which is no dead connection.
  // VueUse's own heartbeat would wait for the closing handshake of the dead connection before it tries again.
  const heartbeat = useIntervalFn(() => {
    if (socket.status.value === 'CLOSED') return
    if (unanswered > MISSED_PINGS_ALLOWED) {
      unanswered = 0
      if (isHeard) setStatus('disconnected')
      else fallback.start()
      return socket.open()
    }
    unanswered++
    send({ type: 'ping' })
  }, PING_EVERY_MS, { immediate: false })

  watch(socket.status, (now) => {
    if (now === 'CONNECTING') isHeard = false
    const wasHeard = isHeard
    whenReady(() => {
      unanswered = 0
      // First it asks why it could not be opened.
      if (now === 'CLOSED' && wasHeard && !isReplacing && !fallback.isActive.value) setStatus('disconnected')
    })
  }, { flush: 'sync' })

  function send(request: StreamRequest) {
    socket.send(JSON.stringify(request), false)
  }

  /** By a socket, in place of the present connection. */
  function reopen() {
    isReplacing = true
    socket.open()
    isReplacing = false
    heartbeat.resume()
  }

  function close() {
    reopening.stop()
    heartbeat.pause()
    fallback.stop()
    socket.close()
  }
  tryOnScopeDispose(close)

  return {
    status,
    /** Since when `status` holds, by the server's clock. */
    sinceMs,
    /** Whether events come as server-sent events: then nothing can be sent, only requested again. */
    isByEvents: fallback.isActive,
    /** Why the server refuses the stream, or the socket alone. */
    refusal: fallback.refusal,
    lastId: () => lastId,
    /** Connects, to continue after the event `after` or where it was. */
    open(after = lastId) {
      lastId = after
      sinceMs.value = presentMs()
      socket.open()
      heartbeat.resume()
    },
    /** From now on the page may change; waiting events are delivered now. */
    ready() {
      const heard = early
      early = undefined
      heard?.forEach(act => act())
    },
    close,
    /** Connects again for other events, from the snapshot on. */
    replace() {
      lastId = ''
      setStatus('connecting')
      if (fallback.isActive.value) fallback.again()
      else reopen()
    },
    /** The same over server-sent events, where it replaces `send`: the page stays as it is until the answer comes. */
    again() {
      lastId = ''
      fallback.again()
    },
    send,
  }
}

function addressOfStream(path: string, query: readonly (readonly [string, string])[], scheme: 'ws' | 'http' = 'ws'): string {
  const { protocol, host } = window.location
  return `${scheme}${protocol === 'https:' ? 's' : ''}://${host}${path}?${new URLSearchParams(query.map(([name, value]) => [name, value]))}`
}

/** Doubles up to a limit, and spreads the browsers of a restarted server. */
function retryDelay(attempt: number): number {
  const delay = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (attempt - 1))
  return delay * (0.7 + Math.random() * 0.3)
}

/** Unknown events are ignored, as the contract allows. */
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
