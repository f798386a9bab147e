import { ref, shallowRef } from 'vue'
import type { StreamRefusal } from '#shared/api/stream-refusal'
import { refusalOfAnswer } from '#shared/api/stream-refusal'
import { openServerEvents } from './useServerEvents'

/** A WebSocket is tried again after this long, then after twice as long, and so on. */
const SOCKET_FIRST_MS = 2_000
const SOCKET_MAX_MS = 300_000
/** How long a WebSocket has for its first message. */
const SOCKET_ANSWER_MS = 10_000
/** Refusals of the request guard, which apply to every user. */
const BY_THE_GUARD = ['origin-foreign', 'host-foreign']

export interface StreamFallbackOptions {
  /** Of the stream as server-sent events. */
  address: () => string
  /** Of a test WebSocket that only shows whether it can be opened: it gets no device. */
  socketAddress: () => string
  receive: (text: string) => void
  /** The first event has come. */
  onOpen: () => void
  /** It cannot be opened, or has ended; `refusal`: the server refuses it. */
  onEnd: (refusal: StreamRefusal | null) => void
  /** A WebSocket has been opened, and server-sent events are not needed any more. */
  onSocket: () => void
}

/**
 * The fallback when a WebSocket cannot be opened: it asks the server why, uses server-sent events, and tries a
 * WebSocket from time to time.
 */
export function useStreamFallback({ address, socketAddress, receive, onOpen, onEnd, onSocket }: StreamFallbackOptions) {
  const isActive = ref(false)
  const refusal = shallowRef<StreamRefusal | null>(null)
  let leave: (() => void) | undefined
  let attempt = 0
  let looks = 0
  let looking: ReturnType<typeof setTimeout> | undefined
  let probe: WebSocket | undefined

  /** Undefined: the server cannot be reached. */
  async function askGuard(): Promise<StreamRefusal | null | undefined> {
    try {
      // Browsers send the page's origin with every POST, as they do for a socket.
      const answer = await fetch(socketAddress().replace(/^ws/, 'http'), { method: 'POST', cache: 'no-store' })
      if (answer.ok) return null
      const reason = await refusalOfAnswer(answer)
      return reason?.code !== undefined && BY_THE_GUARD.includes(reason.code) ? reason : null
    }
    catch {
      return undefined
    }
  }

  function listen() {
    leave?.()
    leave = openServerEvents(address(), {
      receive(text) {
        if (!isActive.value) {
          isActive.value = true
          onOpen()
          lookLater()
        }
        receive(text)
      },
      end(reason) {
        const why = reason ?? null
        stop()
        // The guard's reason is better: it says what to do.
        refusal.value = refusal.value ?? why
        onEnd(refusal.value)
      },
    })
  }

  async function start() {
    if (leave) return
    const mine = ++attempt
    leave = () => undefined
    const reason = await askGuard()
    if (mine !== attempt) return
    refusal.value = reason ?? null
    if (reason !== undefined) return listen()
    stop()
    onEnd(null)
  }

  function stop() {
    attempt++
    leave?.()
    leave = undefined
    isActive.value = false
    looks = 0
    clearTimeout(looking)
    probe?.close()
    probe = undefined
  }

  function lookLater() {
    clearTimeout(looking)
    looking = setTimeout(look, Math.min(SOCKET_MAX_MS, SOCKET_FIRST_MS * 2 ** looks++))
  }

  /** On a socket of its own: events continue meanwhile. */
  function look() {
    const socket = probe = new WebSocket(socketAddress())
    const patience = setTimeout(() => socket.close(), SOCKET_ANSWER_MS)
    socket.onmessage = () => {
      if (socket !== probe) return
      probe = undefined
      clearTimeout(patience)
      socket.close()
      refusal.value = null
      stop()
      onSocket()
    }
    socket.onclose = () => {
      clearTimeout(patience)
      if (socket === probe) lookLater()
    }
  }

  return {
    /** Whether events come as server-sent events. */
    isActive,
    /** The server's refusal; there may be events although it refuses a socket. */
    refusal,
    /** Unless one is running. */
    start: () => void start(),
    stop,
    /** Connects again with other queries. */
    again: listen,
  }
}
