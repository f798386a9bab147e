import { crc32 } from 'node:zlib'

/** MQTT's packet ids have 16 bits: a delivery that is this many deliveries old cannot be redelivered. */
export const PACKET_IDS = 65_536
/** A delivery on disk: packet id (0 without one) and digest, 32 bits each. */
export const DELIVERY_BYTES = 8

/** The parts of a delivery that identify it. QoS 0 has no packet id. */
export interface Delivery { packetId: number | undefined, topic: string, payload: Uint8Array, redelivered: boolean }

/** Recognises redeliveries by packet id and digest. At most `unacknowledged` deliveries can be open at once. */
export function createDeduplication(unacknowledged: number) {
  // Per packet id: the digest of its last delivery, and that delivery's sequence number (0: never delivered).
  const digests = new Uint32Array(PACKET_IDS)
  const ordinals = new Float64Array(PACKET_IDS)
  // Packet id, digest and sequence number before the open transaction, in groups of three.
  let undo: number[] = []
  let delivered = 0
  let resumed = 0
  // Those since the last `take`, in pairs: packet id and digest.
  let taken: number[] = []

  function learn(packetId: number, digest: number) {
    digests[packetId] = digest
    ordinals[packetId] = ++delivered
  }

  return {
    /**
     * Whether this delivery is stored already. Brokers mark redeliveries (DUP), but not all do so after a restart. So
     * right after a session was resumed, a recent delivery that comes again under its packet id also counts as one.
     */
    isStored({ packetId, topic, payload, redelivered }: Delivery): boolean {
      const ordinal = packetId === undefined ? 0 : ordinals[packetId] ?? 0
      const suspected = resumed > 0 && resumed-- > 0 && ordinal > 0 && delivered - ordinal < unacknowledged
      return packetId !== undefined && ordinal > 0 && (redelivered || suspected) && digests[packetId] === digestOf(topic, payload)
    },
    /** The broker continues our session: it first sends what we had not acknowledged. */
    sessionResumed() {
      resumed = unacknowledged
    },
    add({ packetId, topic, payload }: Delivery) {
      if (packetId === undefined) return void taken.push(0, 0)
      undo.push(packetId, digests[packetId] ?? 0, ordinals[packetId] ?? 0)
      const digest = digestOf(topic, payload)
      taken.push(packetId, digest)
      learn(packetId, digest)
    },
    /** Whether anything was added since the last {@link take}. */
    isEmpty: () => taken.length === 0,
    /** What was added since the last call, in the format on disk. */
    take(): Uint8Array {
      const bytes = new Uint8Array(Uint32Array.from(taken).buffer)
      taken = []
      return bytes
    },
    committed() {
      undo = []
    },
    /** What was added since the last commit is not stored: its redelivery must be accepted as new. */
    rolledBack() {
      for (let i = undo.length - 3; i >= 0; i -= 3) {
        const packetId = undo[i] ?? 0
        digests[packetId] = undo[i + 1] ?? 0
        ordinals[packetId] = undo[i + 2] ?? 0
      }
      undo = []
      taken = []
    },
    /** From now on nothing that came earlier counts as delivered. */
    forget: () => void ordinals.fill(0),
    /**
     * Restores what {@link take} returned; `last` is its last record. The broker has forgotten everything up to
     * `forgotten`.
     */
    restore(last: number, bytes: unknown, forgotten: number) {
      const pairs = toPairs(bytes)
      const first = last - pairs.length / 2 + 1
      for (let i = 0; i < pairs.length; i += 2) {
        const packetId = pairs[i] ?? 0
        if (packetId > 0 && first + i / 2 > forgotten) learn(packetId, pairs[i + 1] ?? 0)
      }
    },
  }
}

function toPairs(blob: unknown): Uint32Array {
  if (!(blob instanceof Uint8Array)) return new Uint32Array()
  // Copied, because the database's buffer may begin at any byte.
  return new Uint32Array(Uint8Array.from(blob).buffer, 0, Math.floor(blob.length / DELIVERY_BYTES) * 2)
}

/**
 * Distinguishes deliveries with the same packet id. No protection against forgery: only the broker assigns packet
 * ids.
 */
function digestOf(topic: string, payload: Uint8Array): number {
  return crc32(payload, crc32(topic))
}
