import { floorTo, HOUR, mergeRollups, MINUTE, packRollups, rollUp, TIERS, unpackRollups } from './rollups'
import type { Rollup, TierName } from './rollups'
import type { Sample } from './segments'
import type { CompactionStore } from './segment-store'

/** Times up to which samples of each tier are pruned: before them, late samples can only be added to what remains. */
export interface RetainedFrom { raw: number, minute: number }

/** One tier of a series while it is changed: one row per period. All times in microseconds since 1970. */
function edit(segmentStore: CompactionStore, device: number, metric: string, tier: TierName) {
  const { step, period } = TIERS[tier]
  const rows = new Map<number, Map<number, Rollup>>()
  function rowOf(start: number): Map<number, Rollup> {
    const key = floorTo(start, period)
    const held = rows.get(key)
    if (held) return held
    const data = segmentStore.rollup(device, metric, tier, key)
    const row = new Map((data ? unpackRollups(data, step) : []).map(rollup => [rollup.start, rollup]))
    rows.set(key, row)
    return row
  }
  const get = (start: number) => rowOf(start).get(start)
  return {
    get,
    put: (rollup: Rollup) => void rowOf(rollup.start).set(rollup.start, rollup),
    /** The samples of an older bucket are gone: late ones can only be added to it. */
    addLate(late: Rollup) {
      const held = get(late.start)
      rowOf(late.start).set(late.start, (held && mergeRollups([late, held], step)[0]) ?? late)
    },
    save() {
      for (const [key, row] of rows) segmentStore.putRollup(device, metric, tier, key, packRollups([...row.values()].sort((a, b) => a.start - b.start), step))
    },
  }
}
type Edit = ReturnType<typeof edit>
type Edits = Record<TierName, Edit>

/**
 * Both tiers of what one packing updates for a device: each row is read and written once, however many groups touch
 * it.
 */
export function createRollupEdits(segmentStore: CompactionStore, device: number) {
  const edits = new Map<string, Edits>()
  return {
    of(metric: string): Edits {
      const held = edits.get(metric)
      if (held) return held
      const fresh = { minute: edit(segmentStore, device, metric, 'minute'), hour: edit(segmentStore, device, metric, 'hour') }
      edits.set(metric, fresh)
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
export type RollupEdits = ReturnType<typeof createRollupEdits>

/**
 * Updates minutes and hours with new samples of one metric (at least one, in order of time). `existing` are the
 * samples of the minutes they touch; undefined: all of those are older than the new ones.
 */
export function updateRollups(
  { minute: minutes, hour: hours }: Edits,
  fresh: readonly Sample[],
  existing: readonly Sample[] | undefined,
  retained: RetainedFrom,
) {
  const rolled = existing
    ? rollUp(withTouched(existing, fresh), MINUTE)
    : rollUp(fresh, MINUTE, start => start >= retained.raw ? minutes.get(start) : undefined)
  for (const minute of rolled) {
    if (minute.start >= retained.raw) minutes.put(minute)
    else minutes.addLate(minute)
  }
  for (const hour of startsOf(fresh, HOUR)) {
    if (hour >= retained.minute) mergeRollups(minutesOf(minutes, hour), HOUR).forEach(hours.put)
  }
  const late = fresh.filter(({ time }) => time < retained.minute)
  for (const hour of rollUp(late, HOUR)) {
    if (hour.start < retained.minute) hours.addLate(hour)
  }
}

function minutesOf(minutes: Edit, hour: number): Rollup[] {
  return Array.from({ length: HOUR / MINUTE }, (_, i) => minutes.get(hour + i * MINUTE)).filter(rollup => rollup !== undefined)
}

function startsOf(samples: readonly Sample[], step: number): Set<number> {
  return new Set(samples.map(({ time }) => floorTo(time, step)))
}

function withTouched(existing: readonly Sample[], fresh: readonly Sample[]): Sample[] {
  const touched = startsOf(fresh, MINUTE)
  return [...existing.filter(({ time }) => touched.has(floorTo(time, MINUTE))), ...fresh].sort((a, b) => a.time - b.time)
}
