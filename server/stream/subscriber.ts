import type { StreamLagSchema } from '#shared/schemas/events'
import type { z } from 'zod'
import { isAddition, isOfState, keyOf } from './event-log'
import type { LiveEvent } from './event-log'
import type { Frame, Framing } from './frames'
import type { StreamOptions } from './channel'

/** One open connection. */
export interface StreamClient {
  id: string
  /** Where it comes from. */
  address: string
  framing: Framing
  /** Writes bytes that the framing has made. */
  write: (bytes: Buffer) => void
  close: (code: number, reason: string) => void
  /** Bytes accepted by `write` that have not left yet. */
  bufferedBytes: () => number
  /** Bytes heard from the other side, or undefined where it has no way to answer. */
  heardBytes: () => number | undefined
}

export interface SubscriberLimits {
  /** Beyond this many waiting bytes events are merged; fewer while others let much wait. */
  bufferBytes: () => number
  /** A client that takes nothing for this long is closed. */
  stuckMs: number
  /** Told how many events were merged instead of written. */
  onMerged: (events: number) => void
}

/** Frames with the latest of these devices, in a form that the client knows. */
export type CatchUp = (deviceIds: readonly string[], options: StreamOptions) => Frame[]

/** A client catches up in portions of so many devices, as far as its connection takes them. */
const PORTION = 256
const LOW_WATER = 0.25

type Lag = Omit<z.infer<typeof StreamLagSchema>, 'time'>

/** What a client that cannot keep up is owed. */
interface Arrears {
  /** Events merged since the client was told last. */
  events: number
  devices: Set<string>
  /** The last of each kind that is no part of a state. */
  others: Map<string, LiveEvent>
  /** The least that has waited in its connection since, and when that was reached: whether it reads at all. */
  leastBuffered: number
  progressAt: number
}

/**
 * One client: *flowing* (every delivery is written) until more waits than its limit, then *coalescing* (only which devices
 * changed is remembered, and their latest is sent when the connection has room again), and given up when it takes nothing.
 */
export function createSubscriber(client: StreamClient, options: StreamOptions, { bufferBytes, stuckMs, onMerged }: SubscriberLimits, catchUp: CatchUp) {
  // A greeting may be larger than the limit; what it adds is allowed until it has left.
  let allowed = bufferBytes()
  let arrears: Arrears | undefined
  let merged = 0

  function look() {
    const buffered = client.bufferedBytes()
    const limit = bufferBytes()
    if (buffered <= limit) allowed = limit
    else if (buffered > allowed) arrears = { events: 0, devices: new Set(), others: new Map(), leastBuffered: buffered, progressAt: Date.now() }
  }

  function owe(debt: Arrears, events: readonly LiveEvent[]) {
    merged += events.length
    onMerged(events.length)
    debt.events += events.length
    for (const event of events) {
      if (isOfState(event)) debt.devices.add(event.deviceId ?? '')
      else if (subscriber.options.extended || !isAddition(event)) debt.others.set(keyOf(event), event)
      // It may have joined one of the groups just now, or may be seen only now.
      if (event.type === 'device' && (subscriber.options.groups || subscriber.options.reach)) debt.devices.add(event.deviceId ?? '')
    }
  }

  /** Sends what is owed, as much as there is room for. */
  function pay(debt: Arrears) {
    if (debt.events > 0) say(`{"type":"coalesced","data":{"events":${debt.events},"devices":${debt.devices.size}}}`)
    debt.events = 0
    // First: a device that was forgotten and has come back since is among the states.
    for (const { type, data } of debt.others.values()) say(`{"type":"${type}","data":${data}}`)
    debt.others.clear()
    while (debt.devices.size > 0 && client.bufferedBytes() <= bufferBytes() * LOW_WATER) {
      const portion = [...debt.devices.values().take(PORTION)]
      for (const deviceId of portion) debt.devices.delete(deviceId)
      client.write(client.framing.join(catchUp(portion, subscriber.options)))
    }
    debt.leastBuffered = client.bufferedBytes()
    debt.progressAt = Date.now()
    if (debt.devices.size === 0) arrears = undefined
  }

  function say(text: string) {
    client.write(client.framing.join([{ text }]))
  }

  const subscriber = {
    client,
    options,
    isCoalescing: () => arrears !== undefined,
    /** Writes without regard to the limit, and allows for it. */
    greet(bytes: readonly Buffer[]) {
      for (const part of bytes) {
        client.write(part)
        allowed += part.length
      }
    },
    /** `bytesFor`: the events as this framing has them, made when the first client can take them. False: it is coalescing. */
    deliver(bytesFor: (framing: Framing) => Buffer, events: readonly LiveEvent[]): boolean {
      if (arrears) {
        owe(arrears, events)
        return false
      }
      client.write(bytesFor(client.framing))
      look()
      return arrears === undefined
    },
    /** Lets a client that could not keep up go on; false: it is stuck. */
    tend(): boolean {
      if (!arrears) return true
      const buffered = client.bufferedBytes()
      if (buffered <= bufferBytes() * LOW_WATER) {
        pay(arrears)
        return true
      }
      if (buffered < arrears.leastBuffered) Object.assign(arrears, { leastBuffered: buffered, progressAt: Date.now() })
      return Date.now() - arrears.progressAt < stuckMs
    },
    lag: (): Lag => ({
      state: arrears ? 'coalescing' : 'flowing',
      bufferedBytes: client.bufferedBytes(),
      waitingDevices: arrears?.devices.size ?? 0,
      coalescedEvents: merged,
    }),
  }
  return subscriber
}
export type Subscriber = ReturnType<typeof createSubscriber>
