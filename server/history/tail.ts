import type { StoredMessage } from './segments'

/** Messages of one device that are in the journal and not yet packed, in order of arrival. */
export interface DeviceTail {
  device: number
  /** Journal id of the first and the last record it stands for. */
  firstId: number
  lastId: number
  /** When the first of them came, in milliseconds of the server's clock. */
  since: number
  messages: StoredMessage[]
}

/** What is not packed yet, by device. */
export function createTail() {
  const tails = new Map<number, DeviceTail>()
  let size = 0
  return {
    /** `message` is absent for records that are not packed as samples (a status). */
    add(device: number, id: number, now: number, message?: StoredMessage) {
      const tail = tails.get(device)
      if (tail) tail.lastId = id
      const held = tail ?? { device, firstId: id, lastId: id, since: now, messages: [] }
      if (!tail) tails.set(device, held)
      if (!message) return
      held.messages.push(message)
      size++
    },
    of: (device: number): readonly StoredMessage[] => tails.get(device)?.messages ?? [],
    remove(device: number) {
      size -= tails.get(device)?.messages.length ?? 0
      tails.delete(device)
    },
    all: () => tails.values(),
    size: () => size,
    /** Journal id of the oldest record that is not packed, or undefined. */
    firstId(): number | undefined {
      let first: number | undefined
      for (const tail of tails.values()) first = Math.min(first ?? tail.firstId, tail.firstId)
      return first
    },
  }
}
