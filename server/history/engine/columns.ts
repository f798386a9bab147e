import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** Fast is enough: columns of deltas compress well at any level. */
const LEVEL = 1

/** Shorter texts are stored as they are: a compressor costs more to set up than it saves. */
const COMPRESSED_FROM = 400
/**
 * Marks text that is not compressed; no deflate stream can begin with this byte (a block type that does not exist).
 */
const PLAIN = '\u0007'
const PLAIN_BYTE = PLAIN.charCodeAt(0)

/** Columns as compressed JSON: numbers, texts and booleans alike, and any SQLite shell with zlib can read them. */
export function pack(columns: object): Buffer {
  const text = JSON.stringify(columns)
  return text.length < COMPRESSED_FROM ? Buffer.from(PLAIN + text) : deflateRawSync(text, { level: LEVEL })
}

/** The inverse of {@link pack}; the caller checks the shape. */
export function unpack(data: Uint8Array): unknown {
  const text = data[0] === PLAIN_BYTE ? Buffer.from(data.buffer, data.byteOffset + 1, data.byteLength - 1) : inflateRawSync(data)
  return JSON.parse(text.toString())
}

/** `[100, 110, 115]` -> `[100, 10, 5]`: small numbers compress well. */
export function toDeltas(values: readonly number[]): number[] {
  return values.map((value, i) => value - (i === 0 ? 0 : values[i - 1] ?? 0))
}

export function fromDeltas(deltas: readonly number[]): number[] {
  let value = 0
  return deltas.map(delta => (value += delta))
}
