import type { StreamLagSchema } from '#shared/schemas/events'
import type { z } from 'zod'
import { isAddition, isOfState, keyOf } from './event-log'
import type { LiveEvent } from './event-log'
import type { Frame, Framing } from './frames'
import type { StreamOptions } from './channel'

/** One open connection. */
export interface StreamClient {
  id: string
  /** The client's address. */
  address: string
  framing: Framing
  /** Writes bytes that the framing has made. */
  write: (bytes: Buffer) => void
  close: (code: number, reason: string) => void
  /** Bytes accepted by `write` that have not been sent yet. */
  bufferedBytes: () => number
  /** Bytes received from the client, or undefined if it has no way to answer. */
  receivedBytes: () => number | undefined
}

export interface SubscriberLimits {
  /** Beyond this many waiting bytes events are merged; the limit is lower while others have much waiting. */
  bufferBytes: () => number
  /** A client that reads nothing for this long is closed. */
  stuckMs: number
  /** Called with the number of events that were merged instead of written. */
  onMerged: (events: number) => void
}

/** Frames with the latest of these devices, in a form that the client knows. */
export type CatchUp = (deviceIds: readonly string[], options: StreamOptions) => Frame[]

/** A client catches up in batches of this many devices, as far as its connection has room. */
const CATCH_UP_DEVICES = 256
const LOW_WATER = 0.25

type Lag = Omit<z.infer<typeof StreamLagSchema>, 'time'>

/** What a client that cannot keep up has still to get. */
interface Backlog {
  /** Events merged since the client's last notice. */
  events: number
  devices: Set<string>
  /** The last event of each kind that is not part of a device's state. */
  others: Map<string, LiveEvent>
  /** The least number of bytes that has waited since, and when: it shows whether the client reads at all. */
  leastBuffered: number
  progressAt: number
}

/**
 * One client. *Flowing*: every delivery is written. If more waits than its limit, *coalescing*: only the changed
 * devices are noted, and their latest state is sent when the connection has room again. A client that reads nothing
 * is closed.
 */
export function createSubscriber(client: StreamClient, options: StreamOptions, { bufferBytes, stuckMs, onMerged }: SubscriberLimits, catchUp: CatchUp) {
  // The initial data may exceed the limit; it is allowed until it has been sent.
  let allowed = bufferBytes()
  let backlog: Backlog | undefined
  let merged = 0

  function checkBuffer() {
    const buffered = client.bufferedBytes()
    const limit = bufferBytes()
    if (buffered <= limit) allowed = limit
    else if (buffered > allowed) backlog = {
      events: 0,
      devices: new Set(),
      others: new Map(),
      leastBuffered: buffered,
      progressAt: Date.now(),
    }
  }

  function coalesce(pending: Backlog, events: readonly LiveEvent[]) {
    merged += events.length
    onMerged(events.length)
    pending.events += events.length
    for (const event of events) {
      if (isOfState(event)) pending.devices.add(event.deviceId ?? '')
      else if (subscriber.options.extended || !isAddition(event)) pending.others.set(keyOf(event), event)
      // It may have joined one of the groups just now, or may be seen only now.
      const { groups, deviceScope } = subscriber.options
      if (event.type === 'device' && (groups || deviceScope)) pending.devices.add(event.deviceId ?? '')
    }
  }

  /** Sends as much of the backlog as there is room for. */
  function drain(pending: Backlog) {
    if (pending.events > 0) send(
      `{"type":"coalesced","data":{"events":${pending.events},"devices":${pending.devices.size}}}`,
    )
    pending.events = 0
    // First: a device that was deleted and has come back is among the states.
    for (const { type, data } of pending.others.values()) send(`{"type":"${type}","data":${data}}`)
    pending.others.clear()
    while (pending.devices.size > 0 && client.bufferedBytes() <= bufferBytes() * LOW_WATER) {
      const batch = [...pending.devices.values().take(CATCH_UP_DEVICES)]
      for (const deviceId of batch) pending.devices.delete(deviceId)
      client.write(client.framing.join(catchUp(batch, subscriber.options)))
    }
    pending.leastBuffered = client.bufferedBytes()
    pending.progressAt = Date.now()
    if (pending.devices.size === 0) backlog = undefined
  }

  function send(text: string) {
    client.write(client.framing.join([{ text }]))
  }

  const subscriber = {
    client,
    options,
    isCoalescing: () => backlog !== undefined,
    /** Writes without regard to the limit, and raises the limit by it. */
    sendInitial(bytes: readonly Buffer[]) {
      for (const part of bytes) {
        client.write(part)
        allowed += part.length
      }
    },
    /**
     * `bytesFor`: the events in this client's framing, made when the first client can take them. False: it is
     * coalescing.
     */
    deliver(bytesFor: (framing: Framing) => Buffer, events: readonly LiveEvent[]): boolean {
      if (backlog) {
        coalesce(backlog, events)
        return false
      }
      client.write(bytesFor(client.framing))
      checkBuffer()
      return backlog === undefined
    },
    /** Sends more to a client that could not keep up; false: it is stuck. */
    poll(): boolean {
      if (!backlog) return true
      const buffered = client.bufferedBytes()
      if (buffered <= bufferBytes() * LOW_WATER) {
        drain(backlog)
        return true
      }
      if (buffered < backlog.leastBuffered) Object.assign(backlog, { leastBuffered: buffered, progressAt: Date.now() })
      return Date.now() - backlog.progressAt < stuckMs
    },
    lag: (): Lag => ({
      state: backlog ? 'coalescing' : 'flowing',
      bufferedBytes: client.bufferedBytes(),
      waitingDevices: backlog?.devices.size ?? 0,
      coalescedEvents: merged,
    }),
  }
  return subscriber
}
export type Subscriber = ReturnType<typeof createSubscriber>
