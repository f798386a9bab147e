import type { StoredMessage } from './segments'

/** The messages of a device that are in the journal and not packed yet. */
export interface DeviceHead {
  device: number
  /** Journal ids of its first and last record. */
  firstId: number
  lastId: number
  /** When the first of them arrived, in milliseconds of the server's clock. */
  since: number
  /** Number of messages. */
  length: number
  /** The messages in order of arrival. */
  messages: () => StoredMessage[]
}

/** Up to this many messages a column gets no spare room. */
const SMALL = 4

/**
 * Messages by column. Hundreds of thousands of messages may wait here: arrays of numbers cost the garbage collector
 * nothing, while that many objects would cost more than all other work.
 */
class Columns implements DeviceHead {
  private times: number[] = []
  private received: number[] = []
  private metrics: StoredMessage['metrics'][] = []
  // Created on demand: most devices never send an impossible time.
  private claims: Map<number, string> | undefined = undefined

  readonly device: number
  readonly firstId: number
  lastId: number
  readonly since: number

  // No parameter properties: the benches run this file in Node, which only strips types.
  constructor(device: number, firstId: number, since: number) {
    this.device = device
    this.firstId = firstId
    this.lastId = firstId
    this.since = since
  }

  get length() {
    return this.times.length
  }

  add({ time, received, metrics, claimedTs }: StoredMessage) {
    if (claimedTs !== undefined) (this.claims ??= new Map()).set(this.length, claimedTs)
    this.times = appended(this.times, time)
    this.received = appended(this.received, received)
    this.metrics = appended(this.metrics, metrics)
  }

  takeBack() {
    this.times.pop()
    this.received.pop()
    this.metrics.pop()
    this.claims?.delete(this.length)
  }

  /** What came after the first `count` messages, up to the record `lastId`. */
  behind(count: number, lastId: number, now: number): Columns {
    const rest = new Columns(this.device, lastId + 1, now)
    rest.lastId = this.lastId
    for (const message of this.messages().slice(count)) rest.add(message)
    return rest
  }

  messages(): StoredMessage[] {
    return this.times.map((time, i) => {
      const message: StoredMessage = { time, received: this.received[i] ?? time, metrics: this.metrics[i] ?? {} }
      const claimedTs = this.claims?.get(i)
      if (claimedTs !== undefined) message.claimedTs = claimedTs
      return message
    })
  }
}

/**
 * An array with one more value. `push` reserves room for sixteen more, too much when a hundred thousand devices have
 * one or two messages.
 */
function appended<T>(values: T[], value: T): T[] {
  if (values.length < SMALL) return values.concat([value])
  values.push(value)
  return values
}

/** What is not packed yet, by device. */
export function createHead(now: () => number) {
  const heads = new Map<number, Columns>()
  let size = 0

  function of(device: number, id: number): Columns {
    const held = heads.get(device)
    if (held) {
      held.lastId = id
      return held
    }
    const head = new Columns(device, id, now())
    heads.set(device, head)
    return head
  }

  return {
    /** A record that is packed as samples. */
    add(device: number, id: number, message: StoredMessage) {
      of(device, id).add(message)
      size++
    },
    /** A record that is not packed as samples (a status). */
    note: (device: number, id: number) => void of(device, id),
    /** Removes the last message of a device: it was not stored. */
    takeBack(device: number) {
      const head = heads.get(device)
      if (!head) return
      head.takeBack()
      size--
    },
    of: (device: number): readonly StoredMessage[] => heads.get(device)?.messages() ?? [],
    remove(device: number) {
      size -= heads.get(device)?.length ?? 0
      heads.delete(device)
    },
    /** The first `count` messages of a device, up to the record `lastId`, are packed. */
    packed(device: number, count: number, lastId: number) {
      const head = heads.get(device)
      if (!head) return
      size -= count
      if (head.lastId > lastId) heads.set(device, head.behind(count, lastId, now()))
      else heads.delete(device)
    },
    /** The messages of a device; another object once they were packed. */
    held: (device: number): DeviceHead | undefined => heads.get(device),
    holds: (head: DeviceHead) => heads.get(head.device) === head,
    all: (): Iterable<DeviceHead> => heads.values(),
    size: () => size,
    /** Journal id of the oldest record that is not packed, or undefined. */
    firstId(): number | undefined {
      let first: number | undefined
      for (const head of heads.values()) first = Math.min(first ?? head.firstId, head.firstId)
      return first
    },
  }
}
