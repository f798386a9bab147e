import type { DatabaseSync } from 'node:sqlite'
import { createRollupStore } from './rollup-store'
import type { KeptFrom, RollupEdits } from './rollup-store'
import { floorTo, HOUR, MINUTE } from './rollups'
import { buildSegment, placedSamples, readAllSamples, readMessages, readSamples, readSegment, samplesOf } from './segments'
import type { Sample, StoredMessage } from './segments'

/** Packed messages and their rollups: what the journal's records become. All times in microseconds since 1970. */
export function createArchive(database: DatabaseSync) {
  const insertSegment = database.prepare('INSERT INTO segment (device, first, last, messages, data) VALUES (?, ?, ?, ?, ?)')
  const segmentsIn = database.prepare('SELECT data FROM segment WHERE device = ? AND last >= ? AND first <= ? ORDER BY id')
  const segmentsBefore = database.prepare('SELECT first, last, data FROM segment WHERE device = ? AND first < ? ORDER BY last DESC')
  const segmentIds = database.prepare('SELECT id, first FROM segment WHERE device = ? AND last >= ? AND first <= ? ORDER BY first')
  const segmentById = database.prepare('SELECT data FROM segment WHERE id = ?')
  const countIn = database.prepare('SELECT coalesce(sum(messages), 0) AS n FROM segment WHERE device = ? AND last >= ? AND first <= ?')
  const insertSeries = database.prepare('INSERT INTO series (device, metric) VALUES (?, ?)')
  const selectSeries = database.prepare('SELECT id FROM series WHERE device = ? AND metric = ?')
  const anyFrom = database.prepare('SELECT 1 FROM segment WHERE device = ? AND last >= ? LIMIT 1')
  const rollups = createRollupStore(database)

  function seriesOf(device: number, metric: string): number | undefined {
    const row = selectSeries.get(device, metric)
    return row && Number(row.id)
  }

  function samples(device: number, metric: string, from: number, to: number): Sample[] {
    const found: Sample[] = []
    for (const row of segmentsIn.iterate(device, from, to)) {
      if (!(row.data instanceof Uint8Array)) continue
      for (const sample of readSamples(row.data, metric)) {
        if (sample.time >= from && sample.time <= to) found.push(sample)
      }
    }
    return found.sort((a, b) => a.time - b.time)
  }

  /** All samples from the first minute that messages touch, by metric; undefined when those are all older. */
  function existingBeside(device: number, messages: readonly StoredMessage[]): ((metric: string) => Sample[]) | undefined {
    const first = messages[0]?.time ?? 0
    if (!anyFrom.get(device, first)) return undefined
    const to = (messages.at(-1)?.time ?? 0) + MINUTE
    const segments = segmentsIn.all(device, floorTo(first, MINUTE), to).flatMap(({ data }) => data instanceof Uint8Array ? readSegment(data) : [])
    return metric => segments.flatMap(segment => samplesOf(segment, metric)).sort((a, b) => a.time - b.time)
  }

  function addGroup(device: number, messages: readonly StoredMessage[], edits: RollupEdits, kept: KeptFrom) {
    const existingOf = existingBeside(device, messages)
    const { data, first, last, samples: fresh } = buildSegment(messages, existingOf)
    insertSegment.run(device, first, last, messages.length, data)
    for (const [metric, placed] of fresh) {
      if (placed.length > 0) rollups.update(edits.of(addSeries(device, metric)), placed, existingOf?.(metric), kept)
    }
  }

  function addSeries(device: number, metric: string): number {
    return seriesOf(device, metric) ?? Number(insertSeries.run(device, metric).lastInsertRowid)
  }

  return {
    samples,
    seriesOf,
    rollups: rollups.read,
    countMessages: (device: number, from: number, to: number) => Number(countIn.get(device, from, to)?.n),
    /** The newest messages before a moment, newest first; at least `limit` where there are as many. */
    messagesBefore(device: number, before: number, limit: number): StoredMessage[] {
      const found: StoredMessage[] = []
      let oldest = Infinity
      for (const row of segmentsBefore.iterate(device, before)) {
        // Segments come by their last message: once there are enough, only those that reach into them matter.
        if (found.length >= limit && Number(row.last) < oldest) break
        if (!(row.data instanceof Uint8Array)) continue
        found.push(...readMessages(row.data).filter(({ time }) => time < before))
        oldest = Math.min(oldest, Number(row.first))
      }
      return found.sort((a, b) => b.time - a.time)
    },
    /** Every sample of a device in a range, an hour at a time, in order of time. */
    * export(device: number, from: number, to: number): Generator<ReturnType<typeof readAllSamples>> {
      let hour = -1
      let samples: ReturnType<typeof readAllSamples> = []
      const sorted = () => samples.filter(({ time }) => time >= from && time <= to).sort((a, b) => a.time - b.time)
      // Rows are read ahead of time: no statement stays open while the reader takes its time.
      for (const { id, first } of segmentIds.all(device, from, to)) {
        const next = floorTo(Number(first), HOUR)
        if (next !== hour && samples.length > 0) {
          yield sorted()
          samples = []
        }
        hour = next
        const data = segmentById.get(id ?? null)?.data
        if (data instanceof Uint8Array) samples.push(...readAllSamples(data))
      }
      yield sorted()
    },
    /** Packs messages of one device, at least one, into segments and their rollups, inside the open transaction. */
    add(device: number, messages: readonly StoredMessage[], kept: KeptFrom) {
      const sorted = messages.toSorted((a, b) => a.time - b.time)
      // By the hour, so that late messages look only at the hour they belong to.
      const edits = rollups.edits()
      for (const group of Map.groupBy(sorted, ({ time }) => floorTo(time, HOUR)).values()) addGroup(device, group, edits, kept)
      edits.save()
    },
    /** Samples of messages that are not packed yet, beside the packed ones. */
    beside(device: number, metric: string, messages: readonly StoredMessage[]): Sample[] {
      const sorted = messages.toSorted((a, b) => a.time - b.time)
      const first = sorted[0]
      return first ? placedSamples(sorted, metric, samples(device, metric, first.time, Number.MAX_SAFE_INTEGER)) : []
    },
  }
}
export type Archive = ReturnType<typeof createArchive>
