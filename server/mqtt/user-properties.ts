/** The length of each property's value (MQTT 5.0, table 2-4): bytes, or how the value encodes it. */
const SIZES: Record<number, number | 'text' | 'number'> = { 0x01: 1, 0x02: 4, 0x03: 'text', 0x08: 'text', 0x09: 'text', 0x0b: 'number', 0x23: 2 }
const USER_PROPERTY = 0x26

/**
 * The value of the first user property of this name among the properties from `at` to `end`; undefined if there is
 * none, or they are malformed.
 */
export function userProperty(bytes: Buffer, at: number, end: number, name: string): string | undefined {
  for (let position = at; position < end;) {
    const kind = bytes[position++] ?? 0
    if (kind === USER_PROPERTY) {
      const value = endOfText(bytes, position)
      const after = endOfText(bytes, value)
      if (after > end) return undefined
      if (value - position - 2 === name.length && bytes.toString('latin1', position + 2, value) === name) return bytes.toString('utf8', value + 2, after)
      position = after
      continue
    }
    const size = SIZES[kind]
    if (size === undefined) return undefined
    position = size === 'text' ? endOfText(bytes, position) : size === 'number' ? endOfNumber(bytes, position) : position + size
  }
  return undefined
}

/** Two bytes contain the length of a text; if they are missing it never ends. */
function endOfText(bytes: Buffer, at: number): number {
  return at + 2 > bytes.length ? Infinity : at + 2 + bytes.readUInt16BE(at)
}

function endOfNumber(bytes: Buffer, at: number): number {
  let position = at
  while ((bytes[position] ?? 0) >= 128) position++
  return position + 1
}
