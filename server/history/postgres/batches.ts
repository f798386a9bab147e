import type { DeviceHead } from '../engine/head'

/** So much is packed in one transaction, in which the messages of a turn wait to be committed. */
const PACKED_DEVICES = 100
const PACKED_MESSAGES = 4_000

/** Some devices at a time, by how much there is of them. */
export function* portionsOf(heads: readonly DeviceHead[]): Generator<DeviceHead[]> {
  let some: DeviceHead[] = []
  let messages = 0
  for (const head of heads) {
    some.push(head)
    messages += head.length
    if (some.length < PACKED_DEVICES && messages < PACKED_MESSAGES) continue
    yield some
    some = []
    messages = 0
  }
  if (some.length > 0) yield some
}
