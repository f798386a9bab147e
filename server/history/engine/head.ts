import type { StoredMessage } from './segments'

/** What a device has in the journal that is not packed yet. */
export interface DeviceTail {
  device: number
  /** Journal id of the first and the last record it stands for. */
  firstId: number
  lastId: number
  /** When the first of them came, in milliseconds of the server's clock. */
  since: number
  /** How many messages. */
  length: number
  /** They themselves, in order of arrival. */
  messages: () => StoredMessage[]
}

/** Up to so many messages a column has no room to spare. */
const SMALL = 4

/**
 * Messages by column: hundreds of thousands of them may wait here, and numbers in a row cost the garbage collector nothing,
 * objects cost it more than everything else that is done to a message.
 */
class Columns implements DeviceTail {
  private times: number[] = []
  private received: number[] = []
  private metrics: StoredMessage['metrics'][] = []
  // Made when it is needed: most devices never claim a time that cannot be.
  private claims: Map<number, string> | undefined = undefined

  readonly device: number
  readonly firstId: number
  lastId: number
  readonly since: number

  // No parameter properties: Node runs this file as it is for the benches, and only strips types.
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

  /** What came behind the first `count` messages, up to the record `lastId`. */
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

/** An array with one more value. `push` makes room for sixteen more, too much where a hundred thousand devices have a message or two. */
function appended<T>(values: T[], value: T): T[] {
  if (values.length < SMALL) return values.concat([value])
  values.push(value)
  return values
}

/** What is not packed yet, by device. */
export function createTail(now: () => number) {
  const tails = new Map<number, Columns>()
  let size = 0

  function of(device: number, id: number): Columns {
    const held = tails.get(device)
    if (held) {
      held.lastId = id
      return held
    }
    const tail = new Columns(device, id, now())
    tails.set(device, tail)
    return tail
  }

  return {
    /** A record that is packed as samples. */
    add(device: number, id: number, message: StoredMessage) {
      of(device, id).add(message)
      size++
    },
    /** A record that is not (a status). */
    note: (device: number, id: number) => void of(device, id),
    /** Takes back the last message of a device: it is not stored after all. */
    takeBack(device: number) {
      const tail = tails.get(device)
      if (!tail) return
      tail.takeBack()
      size--
    },
    of: (device: number): readonly StoredMessage[] => tails.get(device)?.messages() ?? [],
    remove(device: number) {
      size -= tails.get(device)?.length ?? 0
      tails.delete(device)
    },
    /** The first `count` messages of a device, up to the record `lastId`, are packed. */
    packed(device: number, count: number, lastId: number) {
      const tail = tails.get(device)
      if (!tail) return
      size -= count
      if (tail.lastId > lastId) tails.set(device, tail.behind(count, lastId, now()))
      else tails.delete(device)
    },
    /** What is there of a device: another one once it was packed. */
    held: (device: number): DeviceTail | undefined => tails.get(device),
    holds: (tail: DeviceTail) => tails.get(tail.device) === tail,
    all: (): Iterable<DeviceTail> => tails.values(),
    size: () => size,
    /** Journal id of the oldest record that is not packed, or undefined. */
    firstId(): number | undefined {
      let first: number | undefined
      for (const tail of tails.values()) first = Math.min(first ?? tail.firstId, tail.firstId)
      return first
    },
  }
}
