import { crc32 } from 'node:zlib'

/** MQTT's packet ids are 16 bits wide: what was delivered before so many others cannot be delivered again. */
export const PACKET_IDS = 65_536
/** A delivery on disk: packet id (0 without one) and digest, 32 bits each. */
export const DELIVERY_BYTES = 8

/** What came over the wire, as far as it tells one delivery from another. QoS 0 carries no packet id. */
export interface Delivery { packetId: number | undefined, topic: string, payload: Uint8Array, redelivered: boolean }

/** Recognises redeliveries by packet id and digest, of which at most `unacknowledged` can be under way at once. */
export function createDeduplication(unacknowledged: number) {
  // Per packet id, what was delivered last under it, and as the how manieth delivery (0: never).
  const digests = new Uint32Array(PACKET_IDS)
  const ordinals = new Float64Array(PACKET_IDS)
  // Packet id, digest and ordinal before the open transaction, in threes.
  let undo: number[] = []
  let delivered = 0
  let resumed = 0
  // Those since the last `take`, in twos: packet id and digest.
  let taken: number[] = []

  function learn(packetId: number, digest: number) {
    digests[packetId] = digest
    ordinals[packetId] = ++delivered
  }

  return {
    /**
     * Whether this delivery is stored already. The broker marks repetitions (DUP), but not all do so after a restart: right
     * after a session was resumed, one of the last deliveries that comes again under its packet id is one, too.
     */
    isStored({ packetId, topic, payload, redelivered }: Delivery): boolean {
      const ordinal = packetId === undefined ? 0 : ordinals[packetId] ?? 0
      const suspected = resumed > 0 && resumed-- > 0 && ordinal > 0 && delivered - ordinal < unacknowledged
      return packetId !== undefined && ordinal > 0 && (redelivered || suspected) && digests[packetId] === digestOf(topic, payload)
    },
    /** The broker goes on with our session: what it had not heard the end of comes first. */
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
    /** What was added since the last time, as it is put on disk. */
    take(): Uint8Array {
      const bytes = new Uint8Array(Uint32Array.from(taken).buffer)
      taken = []
      return bytes
    },
    committed() {
      undo = []
    },
    /** What was added since the last commit is not stored after all: its redelivery must not be taken for known. */
    rolledBack() {
      for (let i = undo.length - 3; i >= 0; i -= 3) {
        const packetId = undo[i] ?? 0
        digests[packetId] = undo[i + 1] ?? 0
        ordinals[packetId] = undo[i + 2] ?? 0
      }
      undo = []
      taken = []
    },
    /** Nothing is taken for a redelivery of what came up to now. */
    forget: () => void ordinals.fill(0),
    /** Learns what was {@link take}n, its last record being `last`; the broker has forgotten everything up to `forgotten`. */
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

/** Tells apart what could arrive under one packet id; no protection against forgery, for only the broker hands these out. */
function digestOf(topic: string, payload: Uint8Array): number {
  return crc32(payload, crc32(topic))
}
