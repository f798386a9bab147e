import type { DeviceHead } from '../engine/head'

/** The size of one packing transaction. Messages of a turn wait for it. */
const PACKED_DEVICES = 100
const PACKED_MESSAGES = 4_000

/** Groups devices by how many messages they have. */
export function* batchesOf(heads: readonly DeviceHead[]): Generator<DeviceHead[]> {
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
