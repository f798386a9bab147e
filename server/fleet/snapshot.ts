// Owns the fleet as JSON text. Promises that a device is encoded once per change, on demand, and that the text is in
// memory once: in blocks of devices, which are sent one after the other (joining 10,000 devices costs several times
// what sending them does). A change encodes only its own device and copies the rest of its block. Never changes a
// device.
import { setImmediate } from 'node:timers/promises'
import { GROUP_DEVICES } from './fleet'
import type { Fleet, Group, DeviceRecord } from './fleet'

/** Blocks that are encoded before messages get their turn: a few milliseconds. */
const BLOCKS_PER_TURN = 16

/** All devices as one JSON array. Never changes. */
export interface Whole {
  revision: number
  /** The text in UTF-8, in consecutive pieces. */
  pieces: readonly Buffer[]
  bytes: number
}

export interface Snapshot {
  /** The fleet as it is now; the same object as long as the fleet is the same. */
  whole: () => Whole
  /** The same, but many changes are encoded in several turns of the event loop. */
  prepared: () => Promise<Whole>
  /** {@link whole} in one piece: joined once for all who are still sending it. */
  bytes: () => Buffer
  /** One device, with the comma before it in an array. */
  pieceOf: (record: DeviceRecord) => Buffer
}

/** The text of a group, a comma before each device. */
interface Block {
  revision: number
  bytes: Buffer
  /** The revision of each device: a changed device has another one. */
  revisions: Float64Array
  /** Where the text of each device ends in `bytes`. */
  ends: Uint32Array
}

const OPEN = Buffer.from('[')
const CLOSE = Buffer.from(']')

export function createSnapshot(fleet: Pick<Fleet, 'revision' | 'groups'>): Snapshot {
  const blocks: Block[] = []
  let latest: Whole | undefined
  // Weak: a second copy of everything is worth its memory only while it is being sent.
  let joined: { revision: number, bytes: WeakRef<Buffer> } | undefined

  /** Updates the blocks; stops after each block that was encoded again. */
  function* refresh(): Generator<void, undefined> {
    for (const [i, group] of fleet.groups().entries()) {
      if (blocks[i]?.revision === group.revision) continue
      blocks[i] = encode(group, blocks[i])
      yield
    }
  }

  function whole(): Whole {
    const revision = fleet.revision()
    if (latest?.revision === revision) return latest
    const steps = refresh()
    while (!steps.next().done);
    const texts = blocks.flatMap(({ bytes }) => bytes.length > 0 ? [bytes] : [])
    const pieces = [OPEN, ...texts.map((bytes, i) => i === 0 ? bytes.subarray(1) : bytes), CLOSE]
    return latest = { revision, pieces, bytes: pieces.reduce((sum, { length }) => sum + length, 0) }
  }

  return {
    whole,
    async prepared() {
      if (latest?.revision === fleet.revision()) return latest
      const steps = refresh()
      for (let made = 1; !steps.next().done; made++) {
        if (made % BLOCKS_PER_TURN === 0) await setImmediate()
      }
      return whole()
    },
    bytes() {
      const { revision, pieces } = whole()
      const held = joined?.revision === revision ? joined.bytes.deref() : undefined
      if (held) return held
      const bytes = Buffer.concat(pieces)
      joined = { revision, bytes: new WeakRef(bytes) }
      return bytes
    },
    pieceOf(record) {
      const block = blocks[Math.floor(record.place / GROUP_DEVICES)]
      return heldPiece(block, record.place % GROUP_DEVICES, record) ?? Buffer.from(toText(record))
    },
  }
}

function encode({ members, revision }: Group, held: Block | undefined): Block {
  const pieces = members.map((record, i) => heldPiece(held, i, record) ?? toText(record))
  let end = 0
  const ends = Uint32Array.from(pieces, piece => end += Buffer.byteLength(piece))
  const bytes = Buffer.allocUnsafe(end)
  for (const [i, piece] of pieces.entries()) {
    const start = i === 0 ? 0 : ends[i - 1] ?? 0
    if (typeof piece === 'string') bytes.write(piece, start)
    else bytes.set(piece, start)
  }
  return { revision, bytes, revisions: Float64Array.from(members, record => record.revision), ends }
}

/** The text of a device at place `i` in a block, unless the device has changed. */
function heldPiece(block: Block | undefined, i: number, { revision }: DeviceRecord): Buffer | undefined {
  return block?.revisions[i] === revision ? block.bytes.subarray(i === 0 ? 0 : block.ends[i - 1], block.ends[i]) : undefined
}

function toText({ device, isHidden }: DeviceRecord): string {
  return isHidden ? '' : `,${JSON.stringify(device)}`
}
