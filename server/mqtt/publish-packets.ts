import { userProperty } from './user-properties'

const PUBLISH = 3
const LONGEST_LENGTH_FIELD = 4

/**
 * A message as it arrived. `replayed`: a retained one, sent because we subscribed. `redelivered`: the broker may have
 * sent it before.
 */
export interface Delivered {
  topic: string
  payload: Buffer
  replayed: boolean
  redelivered: boolean
  /** The packet id of a QoS 1 message. */
  packetId: number | undefined
  /** Its user property of this name (MQTT 5), if wanted: the sender's trace. */
  traceparent?: string
}

/** Begin and end of a packet; `length` includes its fixed header. */
export interface PacketBounds { isPublish: boolean, head: number, length: number }

/**
 * The bounds of the packet that begins at `at`: undefined while its fixed header is not complete.
 * @throws when the length is no MQTT length (MQTT 5.0, section 1.5.5).
 */
export function boundsOf(bytes: Buffer, at: number): PacketBounds | undefined {
  let rest = 0
  for (let i = 0; i < LONGEST_LENGTH_FIELD; i++) {
    const byte = bytes[at + 1 + i]
    if (byte === undefined) return undefined
    rest += (byte & 127) << (7 * i)
    if (byte < 128) return { isPublish: isPlainPublish(bytes[at] ?? 0), head: i + 2, length: i + 2 + rest }
  }
  throw new Error('The broker has sent a packet without a length.')
}

/** QoS 0 or 1: what we subscribe to. */
function isPlainPublish(first: number): boolean {
  return first >> 4 === PUBLISH && (first >> 1 & 3) < 2
}

/**
 * Reads the PUBLISH packet between two bounds, with its `traceparent` only if wanted. The payload is a part of
 * `bytes`. @throws when it is malformed.
 */
export function readPublish(bytes: Buffer, at: number, { head, length }: PacketBounds, protocolVersion: 4 | 5, wantsTraceparent = false): Delivered {
  const first = bytes[at] ?? 0
  const end = at + length
  let position = at + head
  const topicLength = readUint16(bytes, position, end)
  position += 2
  if (position + topicLength > end) throw new Error('The broker has sent a message whose topic does not end.')
  const topic = bytes.toString('utf8', position, position + topicLength)
  position += topicLength
  let packetId: number | undefined
  if ((first >> 1 & 3) > 0) {
    packetId = readUint16(bytes, position, end)
    position += 2
  }
  const properties = position
  if (protocolVersion === 5) position = endOfProperties(bytes, position, end)
  const message: Delivered = { topic, payload: bytes.subarray(position, end), replayed: (first & 1) > 0, redelivered: (first & 8) > 0, packetId }
  // An empty list of properties is one byte: their length.
  if (wantsTraceparent && position > properties + 1) {
    const traceparent = userProperty(bytes, startOfProperties(bytes, properties), position, 'traceparent')
    if (traceparent !== undefined) message.traceparent = traceparent
  }
  return message
}

function readUint16(bytes: Buffer, at: number, end: number): number {
  if (at + 2 > end) throw new Error('The broker has sent a message that is cut off.')
  return (bytes[at] ?? 0) << 8 | (bytes[at + 1] ?? 0)
}

/** After their length. */
function startOfProperties(bytes: Buffer, at: number): number {
  let position = at
  while ((bytes[position] ?? 0) >= 128) position++
  return position + 1
}

/** We need only one of the properties; topic aliases do not occur, for we do not offer any. */
function endOfProperties(bytes: Buffer, at: number, end: number): number {
  let length = 0
  for (let i = 0; i < LONGEST_LENGTH_FIELD; i++) {
    const byte = bytes[at + i] ?? 0
    length += (byte & 127) << (7 * i)
    if (byte >= 128) continue
    const after = at + i + 1 + length
    if (after > end) break
    return after
  }
  throw new Error('The broker has sent a message whose properties do not end.')
}
