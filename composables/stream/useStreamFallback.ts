import { ref, shallowRef } from 'vue'
import type { StreamRefusal } from '#shared/api/stream-refusal'
import { refusalOfAnswer } from '#shared/api/stream-refusal'
import { openServerEvents } from './useServerEvents'

/** A WebSocket is tried again after so long, then after twice as long, and so on. */
const SOCKET_FIRST_MS = 2_000
const SOCKET_MAX_MS = 300_000
/** How long a WebSocket has for its first word. */
const SOCKET_ANSWER_MS = 10_000
/** What the door turns away for everybody, whoever they are. */
const OF_THE_DOOR = ['origin-foreign', 'host-foreign']

export interface StreamFallbackOptions {
  /** Of the stream as server-sent events. */
  address: () => string
  /** Of the WebSocket, to look whether it can be opened at all: it is told of no device. */
  socketAddress: () => string
  receive: (text: string) => void
  /** The first event has come. */
  onOpen: () => void
  /** It cannot be opened, or has ended; `refusal`: the server does not want to. */
  onEnd: (refusal: StreamRefusal | null) => void
  /** A WebSocket has been opened, and server-sent events are not needed any more. */
  onSocket: () => void
}

/** What goes on where a WebSocket cannot be opened: asks the server why, takes server-sent events, and looks again from time to time. */
export function useStreamFallback({ address, socketAddress, receive, onOpen, onEnd, onSocket }: StreamFallbackOptions) {
  const isActive = ref(false)
  const refusal = shallowRef<StreamRefusal | null>(null)
  let leave: (() => void) | undefined
  let attempt = 0
  let looks = 0
  let looking: ReturnType<typeof setTimeout> | undefined
  let probe: WebSocket | undefined

  /** Undefined: the server cannot be reached. */
  async function askDoor(): Promise<StreamRefusal | null | undefined> {
    try {
      // Browsers say with every POST where a page is from, as they do of a socket.
      const answer = await fetch(socketAddress().replace(/^ws/, 'http'), { method: 'POST', cache: 'no-store' })
      if (answer.ok) return null
      const said = await refusalOfAnswer(answer)
      return said?.code !== undefined && OF_THE_DOOR.includes(said.code) ? said : null
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
      end(said) {
        const why = said ?? null
        stop()
        // The door's word is the better one: it says what to do.
        refusal.value = refusal.value ?? why
        onEnd(refusal.value)
      },
    })
  }

  async function start() {
    if (leave) return
    const mine = ++attempt
    leave = () => undefined
    const said = await askDoor()
    if (mine !== attempt) return
    refusal.value = said ?? null
    if (said !== undefined) return listen()
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

  /** On a socket of its own: what comes goes on meanwhile. */
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
    /** What the server has said; there may be events although it refuses a socket. */
    refusal,
    /** Unless it is under way. */
    start: () => void start(),
    stop,
    /** Asks anew with other queries. */
    again: listen,
  }
}
