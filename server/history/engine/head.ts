import type { StoredMessage } from './segments'

/** What a device has in the journal that is not packed yet. */
export interface DeviceHead {
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
class Columns implements DeviceHead {
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
    /** A record that is not (a status). */
    note: (device: number, id: number) => void of(device, id),
    /** Takes back the last message of a device: it is not stored after all. */
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
    /** What is there of a device: another one once it was packed. */
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
