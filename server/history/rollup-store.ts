import type { DatabaseSync } from 'node:sqlite'
import { floorTo, HOUR, mergeRollups, MINUTE, packRollups, rollUp, TIERS, unpackRollups } from './rollups'
import type { Rollup, TierName } from './rollups'
import type { Sample } from './segments'

/** Up to where samples of each kind have been pruned: before it, late samples can only be added to what remains. */
export interface KeptFrom { raw: number, minute: number }

/** Minutes and hours of every series, one row a period. All times in microseconds since 1970. */
export function createRollupStore(database: DatabaseSync) {
  const selectRange = database.prepare('SELECT data FROM rollup WHERE series = ? AND tier = ? AND period BETWEEN ? AND ? ORDER BY period')
  const selectOne = database.prepare('SELECT data FROM rollup WHERE series = ? AND tier = ? AND period = ?')
  const upsert = database.prepare(`INSERT INTO rollup (series, tier, period, data) VALUES (?, ?, ?, ?)
    ON CONFLICT (series, tier, period) DO UPDATE SET data = excluded.data`)

  /** One tier of a series while it is changed. */
  function edit(series: number, tier: TierName) {
    const { id, step, period } = TIERS[tier]
    const rows = new Map<number, Map<number, Rollup>>()
    function rowOf(start: number): Map<number, Rollup> {
      const key = floorTo(start, period)
      const held = rows.get(key)
      if (held) return held
      const data = selectOne.get(series, id, key)?.data
      const read = data instanceof Uint8Array ? unpackRollups(data, step) : []
      const row = new Map(read.map(rollup => [rollup.start, rollup]))
      rows.set(key, row)
      return row
    }
    const get = (start: number) => rowOf(start).get(start)
    return {
      get,
      put: (rollup: Rollup) => void rowOf(rollup.start).set(rollup.start, rollup),
      /** What an older bucket was made of is gone: what comes late can only be added. */
      addLate(late: Rollup) {
        const held = get(late.start)
        rowOf(late.start).set(late.start, (held && mergeRollups([late, held], step)[0]) ?? late)
      },
      save() {
        for (const [key, row] of rows) upsert.run(series, id, key, packRollups([...row.values()].sort((a, b) => a.start - b.start), step))
      },
    }
  }
  type Edit = ReturnType<typeof edit>

  /** Both tiers of the series that one packing brings up to date. */
  function createEdits() {
    const edits = new Map<number, Record<TierName, Edit>>()
    return {
      of(series: number): Record<TierName, Edit> {
        const held = edits.get(series)
        if (held) return held
        const fresh = { minute: edit(series, 'minute'), hour: edit(series, 'hour') }
        edits.set(series, fresh)
        return fresh
      },
      save() {
        for (const { minute, hour } of edits.values()) {
          minute.save()
          hour.save()
        }
      },
    }
  }

  return {
    /** Gathers what {@link update} changes until it is saved: however many groups touch a row, it is read and written once. */
    edits: createEdits,
    read(series: number, tier: TierName, from: number, to: number): Rollup[] {
      const { id, step, period } = TIERS[tier]
      const rows = selectRange.all(series, id, floorTo(from, period), floorTo(to, period))
      return rows
        .flatMap(({ data }) => data instanceof Uint8Array ? unpackRollups(data, step) : [])
        .filter(({ start }) => start + step > from && start <= to)
    },
    /**
     * Brings minutes and hours up to date with new samples of one series (at least one, in order of time). `existing` are
     * the samples of the minutes they touch; undefined says that all of them are older than the new ones.
     */
    update({ minute: minutes, hour: hours }: Record<TierName, Edit>, fresh: readonly Sample[], existing: readonly Sample[] | undefined, kept: KeptFrom) {
      const rolled = existing
        ? rollUp(withTouched(existing, fresh), MINUTE)
        : rollUp(fresh, MINUTE, start => start >= kept.raw ? minutes.get(start) : undefined)
      for (const minute of rolled) {
        if (minute.start >= kept.raw) minutes.put(minute)
        else minutes.addLate(minute)
      }
      for (const hour of startsOf(fresh, HOUR)) {
        if (hour >= kept.minute) mergeRollups(minutesOf(minutes, hour), HOUR).forEach(hours.put)
      }
      const late = fresh.filter(({ time }) => time < kept.minute)
      for (const hour of rollUp(late, HOUR)) {
        if (hour.start < kept.minute) hours.addLate(hour)
      }
    },
  }

  function minutesOf(minutes: Edit, hour: number): Rollup[] {
    return Array.from({ length: HOUR / MINUTE }, (_, i) => minutes.get(hour + i * MINUTE)).filter(rollup => rollup !== undefined)
  }
}

export type RollupEdits = ReturnType<ReturnType<typeof createRollupStore>['edits']>

function startsOf(samples: readonly Sample[], step: number): Set<number> {
  return new Set(samples.map(({ time }) => floorTo(time, step)))
}

function withTouched(existing: readonly Sample[], fresh: readonly Sample[]): Sample[] {
  const touched = startsOf(fresh, MINUTE)
  return [...existing.filter(({ time }) => touched.has(floorTo(time, MINUTE))), ...fresh].sort((a, b) => a.time - b.time)
}
