import { createSharedComposable } from '@vueuse/core'
import { onMounted, watch } from 'vue'
import type { DeviceState } from '#shared/schemas/device'
import type { StreamEvent, StreamRequest } from '#shared/schemas/events'
import { useReplayRoute } from '../replay/useReplayRoute'
import { useStreamSocket } from './useStreamSocket'

/** The server collects telemetry for this long: a screen needs no more, and a thousand messages a second cost it far less. */
const BATCH_MS = 20

function createEventStream() {
  const listeners = new Set<(event: StreamEvent) => void>()
  const { at, speed, isPast, clock, passages } = useReplayRoute()
  // Whose events the server sends, up to the last id; what it has been asked for since; and what is wanted.
  let followed: readonly string[] | null = null
  let asked: readonly string[] | null | undefined
  let wanted: readonly string[] | null = null
  let isAccepted = false
  // Of a replay, where nothing can be said but in the address: what comes next.
  let order: { at: string, speed: number } | undefined

  const socket = useStreamSocket({
    isEarly: true,
    query: () => [['batch', String(BATCH_MS)], ...named(followed).map(deviceId => ['device', deviceId] as const), ...replay()],
    receive(event) {
      if (event.type === 'clock') order = undefined
      // What was asked for anew with other devices: the others stay as they are known.
      if (event.type === 'snapshot' && asked !== undefined && socket.isByEvents.value) return tellStates(event.data)
      if (event.type !== 'batch') tell(event)
      else for (const telemetry of event.data) tell({ type: 'telemetry', data: telemetry })
      if (event.type === 'snapshot' || event.type === 'resumed') settle(followed)
      else if (event.type === 'subscribed') isAccepted = true
      else if (event.type === 'states' && isAccepted && asked !== undefined) settle(asked)
      else if (event.type === 'error' && asked !== undefined) settle(wanted = followed)
    },
  })

  /** The past is asked for from where it stands: a lost connection goes on there. */
  function replay(): (readonly [string, string])[] {
    const standing = isPast.value ? order ?? where() : undefined
    return standing ? [['at', standing.at], ['speed', String(standing.speed)]] : []
  }

  function where(): { at: string, speed: number } | undefined {
    const moment = clock.value?.at ?? at.value
    const isPlaying = clock.value ? clock.value.state === 'playing' : speed.value > 0
    return moment === null ? undefined : { at: moment, speed: isPlaying ? clock.value?.speed ?? speed.value : 0 }
  }

  /** What a replay would be told, asked for anew. A single step cannot be. */
  function command(request: StreamRequest) {
    const standing = where()
    if (!standing || request.type === 'step' || request.type === 'ping' || request.type === 'subscribe') return
    if (request.type === 'seek') order = { ...standing, at: request.at }
    else order = { ...standing, speed: request.type === 'play' ? request.speed : 0 }
    socket.again()
  }

  function tellStates(devices: DeviceState[]) {
    tell({ type: 'states', data: devices })
    settle(asked ?? null)
  }

  function tell(event: StreamEvent) {
    for (const listener of listeners) listener(event)
  }

  /** Nothing is under way any more. */
  function settle(now: readonly string[] | null) {
    followed = now
    asked = undefined
    isAccepted = false
    ask()
  }

  // One request at a time: the answer brings the states that were not followed before. Where it is lost with its connection,
  // the next one goes on with what was followed, and is asked again.
  function ask() {
    if (socket.status.value !== 'live' || asked !== undefined || isSame(wanted, followed)) return
    asked = wanted
    if (socket.isByEvents.value) {
      followed = wanted
      return socket.again()
    }
    socket.send({ type: 'subscribe', devices: wanted && [...wanted] })
  }

  // The server answers while the page is coming to life, which may not change before it has.
  if (import.meta.client) socket.open()
  onMounted(() => {
    socket.ready()
    watch(passages, socket.replace)
  })

  return {
    status: socket.status,
    /** Since when `status` holds, by the server's clock. */
    sinceMs: socket.sinceMs,
    lastId: socket.lastId,
    /** Whether it tells of the past. */
    isPast,
    /** Whether events come as server-sent events, because WebSocket is blocked. */
    isByEvents: socket.isByEvents,
    /** Why the server refuses the stream, or the socket alone. */
    refusal: socket.refusal,
    send: (request: StreamRequest) => socket.isByEvents.value ? command(request) : socket.send(request),
    /** From now on events of these devices only, `null` for all; what changed meanwhile comes as `states`. */
    subscribe(devices: readonly string[] | null) {
      wanted = devices
      ask()
    },
    /** The devices whose events come, as far as the server has confirmed it; `null`: all. */
    followed: () => followed,
    /** Calls `listener` for every event in order, batches one by one; returns how to stop it. */
    onEvent(listener: (event: StreamEvent) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** The event stream of this browser tab: opened when the first page is mounted, kept across pages, tried for ever. */
export const useEventStream = createSharedComposable(createEventStream)

/** As they stand in the address; there none at all would mean every device. */
function named(devices: readonly string[] | null): readonly string[] {
  return devices?.length === 0 ? [''] : devices ?? []
}

function isSame(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return a === b || (a !== null && b !== null && a.length === b.length && a.every((deviceId, i) => deviceId === b[i]))
}
