import type { DatabaseSync } from 'node:sqlite'
import { floorTo, HOUR, mergeRollups, MINUTE, packRollups, rollUp, TIERS, unpackRollups } from './rollups'
import type { Rollup, TierName } from './rollups'
import { buildSegment, placedSamples, readAllSamples, readMessages, readSamples } from './segments'
import type { Sample, StoredMessage } from './segments'

/** Up to where samples of each kind have been pruned: before it, late samples can only be added to what remains. */
export interface KeptFrom { raw: number, minute: number }

/** Packed messages and their rollups: what the journal's records become. All times in microseconds since 1970. */
export function createArchive(database: DatabaseSync) {
  const insertSegment = database.prepare('INSERT INTO segment (device, first, last, messages, data) VALUES (?, ?, ?, ?, ?)')
  const segmentsIn = database.prepare('SELECT data FROM segment WHERE device = ? AND last >= ? AND first <= ? ORDER BY id')
  const segmentsBefore = database.prepare('SELECT first, last, data FROM segment WHERE device = ? AND first < ? ORDER BY last DESC')
  const segmentIds = database.prepare('SELECT id, first FROM segment WHERE device = ? AND last >= ? AND first <= ? ORDER BY first')
  const segmentById = database.prepare('SELECT data FROM segment WHERE id = ?')
  const countIn = database.prepare('SELECT coalesce(sum(messages), 0) AS n FROM segment WHERE device = ? AND last >= ? AND first <= ?')
  const insertSeries = database.prepare('INSERT INTO series (device, metric) VALUES (?, ?) ON CONFLICT DO NOTHING')
  const selectSeries = database.prepare('SELECT id FROM series WHERE device = ? AND metric = ?')
  const selectRollups = database.prepare('SELECT data FROM rollup WHERE series = ? AND tier = ? AND period BETWEEN ? AND ? ORDER BY period')
  const upsertRollup = database.prepare(`INSERT INTO rollup (series, tier, period, data) VALUES (?, ?, ?, ?)
    ON CONFLICT (series, tier, period) DO UPDATE SET data = excluded.data`)

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

  function rollups(series: number, tier: TierName, from: number, to: number): Rollup[] {
    const { id, step, period } = TIERS[tier]
    const rows = selectRollups.all(series, id, floorTo(from, period), floorTo(to, period))
    return rows
      .flatMap(({ data }) => data instanceof Uint8Array ? unpackRollups(data, step) : [])
      .filter(({ start }) => start + step > from && start <= to)
  }

  /** Writes rollups over those with the same start, period by period. */
  function putRollups(series: number, tier: TierName, fresh: readonly Rollup[]) {
    const { id, step, period } = TIERS[tier]
    for (const [start, group] of Map.groupBy(fresh, rollup => floorTo(rollup.start, period))) {
      const merged = new Map(rollups(series, tier, start, start + period - 1).map(rollup => [rollup.start, rollup]))
      for (const rollup of group) merged.set(rollup.start, rollup)
      upsertRollup.run(series, id, start, packRollups([...merged.values()].sort((a, b) => a.start - b.start), step))
    }
  }

  /** Brings minutes and hours up to date with new samples of one metric, given all samples of the minutes they touch. */
  function updateRollups(series: number, fresh: readonly Sample[], existing: readonly Sample[], kept: KeptFrom) {
    const touched = new Set(fresh.map(({ time }) => floorTo(time, MINUTE)))
    const all = [...existing.filter(({ time }) => touched.has(floorTo(time, MINUTE))), ...fresh].sort((a, b) => a.time - b.time)
    const late = fresh.filter(({ time }) => time < kept.minute)
    putRollups(series, 'minute', rollUp(all, MINUTE).map(minute => minute.start >= kept.raw ? minute : addTo('minute', series, minute)))
    const hours = new Set(fresh.map(({ time }) => floorTo(time, HOUR)).filter(hour => hour >= kept.minute))
    putRollups(series, 'hour', [...hours].flatMap(hour => mergeRollups(rollups(series, 'minute', hour, hour + HOUR - 1), HOUR)))
    putRollups(series, 'hour', rollUp(late, HOUR).filter(({ start }) => start < kept.minute).map(hour => addTo('hour', series, hour)))
  }

  /** What an older bucket was made of is gone: what comes late can only be added. */
  function addTo(tier: TierName, series: number, late: Rollup): Rollup {
    const held = rollups(series, tier, late.start, late.start)
    return mergeRollups([late, ...held], TIERS[tier].step)[0] ?? late
  }

  function addGroup(device: number, messages: readonly StoredMessage[], kept: KeptFrom) {
    const from = floorTo(messages[0]?.time ?? 0, MINUTE)
    const to = (messages.at(-1)?.time ?? 0) + MINUTE
    const existing = new Map<string, Sample[]>()
    const existingOf = (metric: string) => {
      const held = existing.get(metric) ?? samples(device, metric, from, to)
      existing.set(metric, held)
      return held
    }
    const { data, first, last, samples: fresh } = buildSegment(messages, existingOf)
    insertSegment.run(device, first, last, messages.length, data)
    for (const [metric, placed] of fresh) {
      if (placed.length === 0) continue
      insertSeries.run(device, metric)
      const series = seriesOf(device, metric)
      if (series !== undefined) updateRollups(series, placed, existingOf(metric), kept)
    }
  }

  return {
    samples,
    seriesOf,
    rollups,
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
      for (const group of Map.groupBy(sorted, ({ time }) => floorTo(time, HOUR)).values()) addGroup(device, group, kept)
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
