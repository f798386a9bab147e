const BYTEA = 17
const HEAD_BYTES = 20
const LENGTH_BYTES = 4

/** Several byte strings as one `bytea[]` in PostgreSQL's binary form: as text, each byte would be two and more. */
export function toByteaArray(items: readonly Uint8Array[]): Buffer {
  const array = Buffer.allocUnsafe(HEAD_BYTES + items.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0))
  // One dimension, nothing null; what it holds; how many, counted from one.
  let at = 0
  for (const head of [1, 0, BYTEA, items.length, 1]) at = array.writeInt32BE(head, at)
  for (const item of items) {
    at = array.writeInt32BE(item.length, at)
    array.set(item, at)
    at += item.length
  }
  return array
}
