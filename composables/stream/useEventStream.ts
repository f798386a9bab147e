import { createSharedComposable } from '@vueuse/core'
import { onMounted, watch } from 'vue'
import type { DeviceState } from '#shared/schemas/device'
import type { StreamEvent, StreamRequest } from '#shared/schemas/events'
import { useReplayRoute } from '../replay/useReplayRoute'
import { useStreamSocket } from './useStreamSocket'

/**
 * The server collects telemetry for this long: a screen needs no more, and a thousand messages a second cost it far
 * less.
 */
const BATCH_MS = 20

function createEventStream() {
  const listeners = new Set<(event: StreamEvent) => void>()
  const { at, speed, isPast, clock, transitions } = useReplayRoute()
  // The devices whose events the server sends, as of the last id; the pending request; and the wanted devices.
  let followed: readonly string[] | null = null
  let asked: readonly string[] | null | undefined
  let wanted: readonly string[] | null = null
  let isAccepted = false
  // For a replay, which is controlled only through the address: the next address.
  let order: { at: string, speed: number } | undefined

  const socket = useStreamSocket({
    isEarly: true,
    query: () => [['batch', String(BATCH_MS)], ...named(followed).map(deviceId => ['device', deviceId] as const), ...replay()],
    receive(event) {
      if (event.type === 'clock') order = undefined
      // After a new request with other devices, the states of the others stay.
      if (event.type === 'snapshot' && asked !== undefined && socket.isByEvents.value) return emitStates(event.data)
      if (event.type !== 'batch') emit(event)
      else for (const telemetry of event.data) emit({ type: 'telemetry', data: telemetry })
      if (event.type === 'snapshot' || event.type === 'resumed') settle(followed)
      else if (event.type === 'subscribed') isAccepted = true
      else if (event.type === 'states' && isAccepted && asked !== undefined) settle(asked)
      else if (event.type === 'error' && asked !== undefined) settle(wanted = followed)
    },
  })

  /** A replay is requested from its position: after a lost connection it continues there. */
  function replay(): (readonly [string, string])[] {
    const standing = isPast.value ? order ?? where() : undefined
    return standing ? [['at', standing.at], ['speed', String(standing.speed)]] : []
  }

  function where(): { at: string, speed: number } | undefined {
    const moment = clock.value?.at ?? at.value
    const isPlaying = clock.value ? clock.value.state === 'playing' : speed.value > 0
    return moment === null ? undefined : { at: moment, speed: isPlaying ? clock.value?.speed ?? speed.value : 0 }
  }

  /** Commands for a replay become a new request. A single step is impossible. */
  function command(request: StreamRequest) {
    const standing = where()
    if (!standing || request.type === 'step' || request.type === 'ping' || request.type === 'subscribe') return
    if (request.type === 'seek') order = { ...standing, at: request.at }
    else order = { ...standing, speed: request.type === 'play' ? request.speed : 0 }
    socket.again()
  }

  function emitStates(devices: DeviceState[]) {
    emit({ type: 'states', data: devices })
    settle(asked ?? null)
  }

  function emit(event: StreamEvent) {
    for (const listener of listeners) listener(event)
  }

  /** No request is pending any more. */
  function settle(now: readonly string[] | null) {
    followed = now
    asked = undefined
    isAccepted = false
    ask()
  }

  // One request at a time: the answer contains the states that were not followed before. If it is lost with its
  // connection, the next connection starts with the followed devices and asks again.
  function ask() {
    if (socket.status.value !== 'live' || asked !== undefined || isSame(wanted, followed)) return
    asked = wanted
    if (socket.isByEvents.value) {
      followed = wanted
      return socket.again()
    }
    socket.send({ type: 'subscribe', devices: wanted && [...wanted] })
  }

  // The server answers during hydration, and the page may not change before its end.
  if (import.meta.client) socket.open()
  onMounted(() => {
    socket.ready()
    watch(transitions, socket.replace)
  })

  return {
    status: socket.status,
    /** Since when `status` holds, by the server's clock. */
    sinceMs: socket.sinceMs,
    lastId: socket.lastId,
    /** Whether it is a replay. */
    isPast,
    /** Whether events come as server-sent events, because WebSocket is blocked. */
    isByEvents: socket.isByEvents,
    /** Why the server refuses the stream, or the socket alone. */
    refusal: socket.refusal,
    send: (request: StreamRequest) => socket.isByEvents.value ? command(request) : socket.send(request),
    /** From now on only events of these devices, `null` for all; what changed meanwhile comes as `states`. */
    subscribe(devices: readonly string[] | null) {
      wanted = devices
      ask()
    },
    /** The devices whose events come, as confirmed by the server; `null`: all. */
    followed: () => followed,
    /** Calls `listener` for every event in order, batches one by one; returns how to stop it. */
    onEvent(listener: (event: StreamEvent) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/**
 * The event stream of this browser tab: opened when the first page is mounted, shared by all pages, reconnected for
 * ever.
 */
export const useEventStream = createSharedComposable(createEventStream)

/** As they are in the address, where no device at all would mean every device. */
function named(devices: readonly string[] | null): readonly string[] {
  return devices?.length === 0 ? [''] : devices ?? []
}

function isSame(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return a === b || (a !== null && b !== null && a.length === b.length && a.every((deviceId, i) => deviceId === b[i]))
}
