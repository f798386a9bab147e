// Owns the fleet as JSON text. Promises that a device is encoded once per change, when somebody asks, and that the text is
// kept once: in blocks of devices, sent one after the other and not joined (joining 10,000 devices costs several times what
// sending them does). A change makes only its own block anew, and copies what else is in it.
import { setImmediate } from 'node:timers/promises'
import { GROUP_DEVICES } from './fleet'
import type { Fleet, Group, DeviceRecord } from './fleet'

/** Blocks that are encoded before messages get their turn: a few milliseconds. */
const BLOCKS_PER_TURN = 16

/** All devices as one JSON array. Never changes. */
export interface Whole {
  revision: number
  /** The text in UTF-8, in pieces that follow each other. */
  pieces: readonly Buffer[]
  bytes: number
}

export interface Snapshot {
  /** As the fleet is now; the same object as long as the fleet stays the same. */
  whole: () => Whole
  /** The same, but many changes are encoded in several turns of the event loop. */
  prepared: () => Promise<Whole>
  /** {@link whole} in one piece: costs what joining costs, once for all who still send it. */
  bytes: () => Buffer
  /** One device, with the comma that precedes it in an array. */
  pieceOf: (kept: DeviceRecord) => Buffer
}

/** The text of a group, each device led by its comma. */
interface Block {
  revision: number
  bytes: Buffer
  /** Of each device: a device that has changed has another one. */
  revisions: Float64Array
  /** Where the text of each device ends in `bytes`. */
  ends: Uint32Array
}

const OPEN = Buffer.from('[')
const CLOSE = Buffer.from(']')

export function createSnapshot(fleet: Pick<Fleet, 'revision' | 'groups'>): Snapshot {
  const blocks: Block[] = []
  let latest: Whole | undefined
  // Weak: a second copy of everything, which is worth its memory only while it is being sent.
  let joined: { revision: number, bytes: WeakRef<Buffer> } | undefined

  /** Brings the blocks up to date; stops after each one that was made anew. */
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
    pieceOf(kept) {
      const block = blocks[Math.floor(kept.place / GROUP_DEVICES)]
      return heldPiece(block, kept.place % GROUP_DEVICES, kept) ?? Buffer.from(toText(kept))
    },
  }
}

function encode({ members, revision }: Group, held: Block | undefined): Block {
  const pieces = members.map((kept, i) => heldPiece(held, i, kept) ?? toText(kept))
  let end = 0
  const ends = Uint32Array.from(pieces, piece => end += Buffer.byteLength(piece))
  const bytes = Buffer.allocUnsafe(end)
  for (const [i, piece] of pieces.entries()) {
    const start = i === 0 ? 0 : ends[i - 1] ?? 0
    if (typeof piece === 'string') bytes.write(piece, start)
    else bytes.set(piece, start)
  }
  return { revision, bytes, revisions: Float64Array.from(members, kept => kept.revision), ends }
}

/** What a block holds of a device at place `i`, unless that has changed. */
function heldPiece(block: Block | undefined, i: number, { revision }: DeviceRecord): Buffer | undefined {
  return block?.revisions[i] === revision ? block.bytes.subarray(i === 0 ? 0 : block.ends[i - 1], block.ends[i]) : undefined
}

function toText({ device, isHidden }: DeviceRecord): string {
  return isHidden ? '' : `,${JSON.stringify(device)}`
}
