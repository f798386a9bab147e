import type { Segment } from '../../server/history/engine/segments.ts'

/** What has been damaged long ago cannot be decoded, here as little as there; it counts as it lies, as text. */
export function decoded<T>(data: Uint8Array, decode: (data: Uint8Array) => T): T | string {
  try {
    return decode(data)
  }
  catch {
    return Buffer.from(data).toString('base64')
  }
}

export function samplesIn(segment: Segment | string): number {
  return typeof segment === 'string' ? 0 : Object.values(segment.m).reduce((sum, { v }) => sum + v.length, 0)
}
