// Finds since when a metric has had the value of a given time. It searches backwards: exactly while messages are
// stored, else to the minute or hour.
import { nextTurn } from '../engine/scheduler'
import { DAY, floorTo, HOUR, MINUTE, TIERS } from '../engine/rollups'
import type { Rollup, TierName } from '../engine/rollups'
import type { Sample } from '../engine/segments'
import type { StoredValue } from '../engine/values'

/** The value of a metric right before a time, and since when. Microseconds since 1970. */
export interface ValueSince { value: StoredValue, since: number }

/** Reads one metric of one device; both ends of a range included. */
export interface MetricReader {
  retained: { raw: number, minute: number }
  /** Undefined: the range has too many. */
  samples: (from: number, to: number) => Promise<readonly Sample[] | undefined>
  rollups: (tier: TierName, from: number, to: number) => Promise<readonly Rollup[]>
  /** The last day up to a time that has minutes. */
  lastMinutes: (upTo: number) => Promise<number | undefined>
}

/** Messages are searched this far back, minutes in steps of a month, and hours for some years at most. */
const RAW_SPAN = 6 * HOUR
const MINUTE_SPANS: readonly number[] = [DAY, ...Array.from({ length: 12 }, () => 32 * DAY)]
const HOUR_SPAN = 384 * DAY
const MOST_HOUR_SPANS = 10

/** A run of one value, followed backwards; `isEnded`: another value came before it. */
interface Run { held: ValueSince | undefined, isEnded: boolean }

/** Follows a run back over earlier values, in order of time; `time` of a piece is where it begins. */
function follow<T extends { value: StoredValue, time: number }>(run: Run, pieces: readonly T[]): Run {
  let { held } = run
  for (let i = pieces.length - 1; i >= 0; i--) {
    const piece = pieces[i]
    if (!piece) continue
    if (held && piece.value !== held.value) return { held, isEnded: true }
    held = { value: piece.value, since: piece.time }
  }
  return { held, isEnded: false }
}

/** The value of a metric when a range began; undefined: none is stored. */
export async function valueSinceBefore(reader: MetricReader, from: number): Promise<ValueSince | undefined> {
  let run: Run = { held: undefined, isEnded: false }
  let before = from
  const rawFrom = floorTo(before - RAW_SPAN, HOUR)
  const raw = rawFrom >= reader.retained.raw ? await reader.samples(rawFrom, before - 1) : undefined
  if (raw) {
    run = follow(run, raw)
    before = rawFrom
  }
  if (run.isEnded) return run.held
  for await (const { tier, from, to } of spansBefore(before, reader)) {
    const { step } = TIERS[tier]
    const rollups = await reader.rollups(tier, from, to - 1)
    // A bucket that ends after `to` may have received its last value after it.
    const pieces = rollups.filter(({ start }) => start + step <= to).map(({ start, last }) => ({ time: start, value: last }))
    run = follow(run, pieces)
    if (run.isEnded) return run.held && refine(reader, run.held, tier)
    if (tier === 'hour' && pieces.length === 0) break
    await nextTurn()
  }
  return run.held && refine(reader, run.held, 'hour')
}

interface Span { tier: TierName, from: number, to: number }

/** Which rollups are read in turn, backwards in whole hours; empty ones are skipped. */
async function* spansBefore(moment: number, reader: MetricReader): AsyncGenerator<Span> {
  const retainedMinutes = reader.retained.minute
  let to = moment
  for (const span of MINUTE_SPANS) {
    const from = floorTo(to - span, HOUR)
    if (from < retainedMinutes) break
    yield { tier: 'minute', from, to }
    const last = await reader.lastMinutes(from)
    // If minutes are retained for ever, there is nothing older.
    if (last === undefined && retainedMinutes <= 0) return
    to = Math.min(from, (last ?? from) + TIERS.minute.period)
  }
  for (let i = 0; i < MOST_HOUR_SPANS; i++) {
    yield { tier: 'hour', from: to - HOUR_SPAN, to }
    to -= HOUR_SPAN
  }
}

/** Where in its first bucket a run begins. */
async function refine(reader: MetricReader, held: ValueSince, tier: TierName): Promise<ValueSince> {
  if (tier === 'hour' && held.since >= reader.retained.minute) {
    const minutes = await reader.rollups('minute', held.since, held.since + TIERS.hour.step - 1)
    const run = follow(
      { held: undefined, isEnded: false },
      minutes.map(({ start, last }) => ({ time: start, value: last })),
    )
    if (run.held?.value === held.value) return refine(reader, run.held, 'minute')
  }
  if (held.since < reader.retained.raw) return held
  const samples = await reader.samples(held.since, held.since + (tier === 'hour' ? HOUR : MINUTE) - 1)
  const run = samples && follow({ held: undefined, isEnded: false }, samples)
  return run?.held?.value === held.value ? run.held : held
}
