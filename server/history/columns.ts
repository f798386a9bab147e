import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** Fast is enough: columns of deltas compress well at any level. */
const LEVEL = 1

/** Columns as compressed JSON: numbers, texts and booleans alike, and any SQLite shell with zlib can read them. */
export function pack(columns: object): Buffer {
  return deflateRawSync(JSON.stringify(columns), { level: LEVEL })
}

/** The inverse of {@link pack}; the caller checks the shape. */
export function unpack(data: Uint8Array): unknown {
  return JSON.parse(inflateRawSync(data).toString())
}

/** `[100, 110, 115]` -> `[100, 10, 5]`: small numbers compress well. */
export function toDeltas(values: readonly number[]): number[] {
  return values.map((value, i) => value - (i === 0 ? 0 : values[i - 1] ?? 0))
}

export function fromDeltas(deltas: readonly number[]): number[] {
  let value = 0
  return deltas.map(delta => (value += delta))
}
