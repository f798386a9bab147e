// A checksum of everything that a side would answer from, device by device, so that a difference has a name.
import { createHash, hash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { readBatch } from '../../server/history/engine/records.ts'
import { TIERS, unpackRollups } from '../../server/history/engine/rollups.ts'
import { readSegment } from '../../server/history/engine/segments.ts'
import type { SegmentHead } from '../../server/history/engine/segment-store.ts'
import { nextTurn } from '../../server/history/engine/scheduler.ts'
import { decoded, samplesIn } from './decoding.ts'
import type { OnDone } from './progress.ts'
import type { DeviceRow, RollupRow, Side } from './sides.ts'

/** Devices that are asked about at once. */
const AT_ONCE = 4
const LAST = Number.MAX_SAFE_INTEGER

interface Sum { messages: number, samples: number }

export interface Checksum {
  /** SHA-256 of all others. */
  all: string
  /** SHA-256 by name of the device: its state, messages, minutes, hours and presence. */
  devices: Map<string, string>
  /** SHA-256 of what belongs to no device, by what it is. */
  others: Map<string, string>
  messages: number
  samples: number
}

/** Reads a side through. `onDone` is told of devices and samples. @throws what the side says. */
export async function checksumOf(side: Side, onDone: OnDone): Promise<Checksum> {
  const rows = await side.devices()
  const sum: Sum = { messages: 0, samples: 0 }
  const journal = await journalOf(side, new Map(rows.map(({ id, archived }) => [id, archived])), sum)
  const devices = new Map<string, string>()
  const waiting = rows.values()
  async function work() {
    for (const row of waiting) {
      const digest = await digestOf(side, row, journal.get(row.id), sum)
      devices.set(row.name, digest)
      onDone(devices.size, sum.samples)
      await nextTurn()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  const others = await othersOf(side)
  const all = hash('sha256', JSON.stringify([...devices, ...others].sort(([a], [b]) => a < b ? -1 : 1)))
  return { all, devices, others, ...sum }
}

async function digestOf(side: Side, { id, archived, state }: DeviceRow, uncompacted: Hash | undefined, sum: Sum): Promise<string> {
  const digest = createHash('sha256').update(JSON.stringify([id, archived, state, uncompacted?.digest('hex')]))
  const heads = (await side.segmentStore.heads(id, side.keptFrom, LAST)).toSorted((a, b) => a.id - b.id)
  for await (const { data, ...head } of side.segmentStore.fetch(heads)) addSegment(digest, head, data, sum)
  digest.update(JSON.stringify([await side.segmentStore.countMessages(id, side.keptFrom, LAST), [...await side.segmentStore.metrics(id)].sort()]))
  for (const { data, ...row } of (await side.rollups(id)).sort(byPlace)) {
    const rollups = decoded(data, bytes => unpackRollups(bytes, TIERS[row.tier].step))
    digest.update(JSON.stringify([row.metric, row.tier, row.period, rollups], asText))
  }
  for (const { time, state } of await side.lines(id)) digest.update(JSON.stringify([time, state]))
  return digest.digest('hex')
}

/** What it was packed from: every message, with the times of its samples. */
function addSegment(digest: Hash, head: SegmentHead, data: Uint8Array, sum: Sum) {
  const segment = decoded(data, readSegment)
  digest.update(JSON.stringify([head.id, head.first, head.last, segment]))
  if (typeof segment === 'string') return
  sum.messages += segment.t.length
  sum.samples += samplesIn(segment)
}

/** JSON knows no large whole numbers. */
function asText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

function byPlace(a: RollupRow, b: RollupRow): number {
  if (a.metric !== b.metric) return a.metric < b.metric ? -1 : 1
  return a.tier === b.tier ? a.period - b.period : TIERS[a.tier].id - TIERS[b.tier].id
}

/** The journal by device; only what is not packed yet (behind `archived`) counts as messages. */
async function journalOf(side: Side, archived: Map<number, number>, sum: Sum): Promise<Map<number, Hash>> {
  const digests = new Map<number, Hash>()
  for await (const { last, body } of side.batches()) {
    for (const record of readBatch(last, body)) {
      const digest = digests.get(record.device) ?? createHash('sha256')
      digests.set(record.device, digest.update(JSON.stringify(record)))
      if (record.kind !== 'telemetry' || record.id <= (archived.get(record.device) ?? Infinity)) continue
      sum.messages++
      sum.samples += Object.keys(record.value.metrics).length + (record.value.absent?.length ?? 0)
    }
  }
  return digests
}

async function othersOf(side: Side): Promise<Map<string, string>> {
  const digests = new Map<string, Hash>()
  const of = (what: string) => digests.get(what) ?? digests.set(what, createHash('sha256')).get(what)
  const documents: Record<string, string[]> = {}
  for await (const { kind, name, body } of side.documents()) (documents[kind] ??= []).push(JSON.stringify([name, hash('sha256', body)]))
  for (const [kind, list] of Object.entries(documents)) of(`the documents "${kind}"`)?.update(list.sort().join())
  for await (const { last, packets } of side.deliveries()) of('what tells redeliveries')?.update(JSON.stringify([last])).update(packets)
  for (const { time } of await side.lines(0)) of('the times at which nobody listened')?.update(JSON.stringify(time))
  for (const mark of side.marks) of('the retention marks')?.update(JSON.stringify(mark))
  return new Map([...digests].map(([what, digest]) => [what, digest.digest('hex')]))
}

/** What is not the same on both sides, as words. */
export function differences(a: Checksum, b: Checksum): string[] {
  const names = (x: Map<string, string>, y: Map<string, string>) => [...new Set([...x.keys(), ...y.keys()])].filter(key => x.get(key) !== y.get(key))
  return [...names(a.devices, b.devices).map(name => `device ${name}`), ...names(a.others, b.others)]
}
