// Owns the answers to "which devices are there": all of them, or those of a query. Promises that an answer is never
// older than its request, and that neither encoding, searching nor compressing many devices delays messages. Never
// changes a device.
import { setImmediate } from 'node:timers/promises'
import type { DeviceField, DevicesQuery } from '#shared/schemas/device'
import { matchesWords } from '#shared/fleet/search'
import { compress, oneAtATime } from './compression'
import type { Encoding } from './compression'
import type { Fleet, DeviceRecord } from './fleet'
import type { Snapshot } from './snapshot'

/** Smaller answers fit into one packet, so compressing them gains nothing. */
export const MIN_COMPRESSED_BYTES = 1_024
/** Devices searched before messages get their turn: about a millisecond. */
const DEVICES_PER_TURN = 1_000

/** A JSON array of devices. */
export interface DeviceListAnswer {
  /** The fleet's revision when it was made, or an earlier one. */
  revision: number
  pieces: readonly Buffer[]
  bytes: number
  /** The encoding of `pieces`; undefined: none. */
  encoding: Encoding | undefined
  /** The `cursor` of the next page. */
  next: string | undefined
}

export interface DeviceList {
  /**
   * Answers with all devices in the order they came. With any parameter, or for a client that may not see every
   * device, they are sorted by deviceId (by UTF-16 code unit).
   */
  answer: (query: DevicesQuery, encoding: Encoding | undefined, sees?: (deviceId: string) => boolean) => Promise<DeviceListAnswer>
}

export function createDeviceList(fleet: Fleet, snapshot: Snapshot): DeviceList {
  const sortedIds = createSortedIds(fleet)
  const wholes = { br: compressedWhole(snapshot, 'br'), gzip: compressedWhole(snapshot, 'gzip') }

  async function select({ limit = Infinity, cursor, q = [], fields }: DevicesQuery, sees?: (deviceId: string) => boolean): Promise<DeviceListAnswer> {
    const revision = fleet.revision()
    const ids = sortedIds()
    const pieces: Buffer[] = []
    let last: string | undefined
    let next: string | undefined
    const start = cursor === undefined ? 0 : firstAfter(ids, toDeviceId(cursor))
    for (let i = start; i < ids.length && next === undefined; i++) {
      if (i > start && (i - start) % DEVICES_PER_TURN === 0) await setImmediate()
      const record = fleet.find(ids[i] ?? '')
      if (sees?.(ids[i] ?? '') === false) continue
      if (!record || (q.length > 0 && !matchesWords(record.device, q))) continue
      if (pieces.length < limit) {
        pieces.push(fields ? pick(record, fields) : snapshot.pieceOf(record))
        last = ids[i]
      }
      // There is another page only if a device is left.
      else if (last !== undefined) next = toCursor(last)
    }
    const bytes = toArray(pieces)
    return { revision, pieces: [bytes], bytes: bytes.length, encoding: undefined, next }
  }

  return {
    async answer(query, encoding, sees) {
      const isWhole = !sees && isEverything(query)
      const plain = isWhole ? { ...await snapshot.prepared(), encoding: undefined, next: undefined } : await select(query, sees)
      if (!encoding || plain.bytes < MIN_COMPRESSED_BYTES) return plain
      if (isWhole) return wholes[encoding]()
      const bytes = await compress(plain.pieces, encoding)
      return { ...plain, pieces: [bytes], bytes: bytes.length, encoding }
    },
  }
}

function isEverything({ limit, cursor, q = [], fields }: DevicesQuery): boolean {
  return limit === undefined && cursor === undefined && fields === undefined && q.length === 0
}

/** All devices compressed; valid until the fleet changes. */
function compressedWhole(snapshot: Snapshot, encoding: Encoding): () => Promise<DeviceListAnswer> {
  let held: DeviceListAnswer | undefined
  return oneAtATime(async () => {
    const { revision, pieces } = await snapshot.prepared()
    if (held?.revision === revision) return held
    const bytes = await compress(pieces, encoding)
    return held = { revision, pieces: [bytes], bytes: bytes.length, encoding, next: undefined }
  })
}

/** All deviceIds in plain code-unit order. */
function createSortedIds(fleet: Fleet) {
  let ids: string[] = []
  let departures = 0
  return (): readonly string[] => {
    if (fleet.departures() !== departures) {
      departures = fleet.departures()
      ids = []
    }
    if (ids.length === fleet.size()) return ids
    // The old order first: sorting an almost sorted list is cheap.
    const come = fleet.ids().drop(ids.length)
    return ids = [...ids, ...come].sort()
  }
}

/** The index of the first id after `deviceId`, whether or not that is in the list. */
function firstAfter(ids: readonly string[], deviceId: string): number {
  let [from, to] = [0, ids.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((ids[middle] ?? '') > deviceId) to = middle
    else from = middle + 1
  }
  return from
}

function pick({ device }: DeviceRecord, fields: readonly DeviceField[]): Buffer {
  const chosen = Object.entries(device).filter(([name]) => name === 'deviceId' || fields.some(field => field === name))
  return Buffer.from(`,${JSON.stringify(Object.fromEntries(chosen))}`)
}

/** Pieces with leading commas as one array. */
function toArray(pieces: readonly Buffer[]): Buffer {
  if (pieces.length === 0) return Buffer.from('[]')
  const array = Buffer.concat([...pieces, Buffer.from(']')])
  array.write('[', 0)
  return array
}

function toCursor(deviceId: string): string {
  return Buffer.from(deviceId).toString('base64url')
}

function toDeviceId(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString()
}
