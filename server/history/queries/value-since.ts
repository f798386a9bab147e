// Since when a metric holds the value that it has at a moment, walked back from there: exactly where every message is kept, else to
// the minute or hour.
import { nextTurn } from '../engine/scheduler'
import { DAY, floorTo, HOUR, MINUTE, TIERS } from '../engine/rollups'
import type { Rollup, TierName } from '../engine/rollups'
import type { Sample } from '../engine/segments'
import type { StoredValue } from '../engine/values'

/** What a metric held right before a moment, and since when. Microseconds since 1970. */
export interface ValueSince { value: StoredValue, since: number }

/** How one metric of one device is read; both ends of a range included. */
export interface MetricReader {
  kept: { raw: number, minute: number }
  /** Undefined: there are too many in the range. */
  samples: (from: number, to: number) => Promise<readonly Sample[] | undefined>
  rollups: (tier: TierName, from: number, to: number) => Promise<readonly Rollup[]>
  /** The last day up to a moment of which minutes are kept. */
  lastMinutes: (upTo: number) => Promise<number | undefined>
}

/** Every message is looked at so far back, minutes in steps of a month, and hours no further than some years. */
const RAW_SPAN = 6 * HOUR
const MINUTE_SPANS: readonly number[] = [DAY, ...Array.from({ length: 12 }, () => 32 * DAY)]
const HOUR_SPAN = 384 * DAY
const MOST_HOUR_SPANS = 10

/** A run of one value, followed back; `isEnded`: another value came before it. */
interface Run { held: ValueSince | undefined, isEnded: boolean }

/** Follows a run back over what was said before it, in order of time; `timeOf` a piece is where it begins. */
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

/** The value that a metric had when a range began; undefined: none is kept. */
export async function valueSinceBefore(reader: MetricReader, from: number): Promise<ValueSince | undefined> {
  let run: Run = { held: undefined, isEnded: false }
  let before = from
  const rawFrom = floorTo(before - RAW_SPAN, HOUR)
  const raw = rawFrom >= reader.kept.raw ? await reader.samples(rawFrom, before - 1) : undefined
  if (raw) {
    run = follow(run, raw)
    before = rawFrom
  }
  if (run.isEnded) return run.held
  for await (const { tier, from, to } of spansBefore(before, reader)) {
    const { step } = TIERS[tier]
    const rollups = await reader.rollups(tier, from, to - 1)
    // What a bucket that reaches over the end held last may have come after it.
    const pieces = rollups.filter(({ start }) => start + step <= to).map(({ start, last }) => ({ time: start, value: last }))
    run = follow(run, pieces)
    if (run.isEnded) return run.held && refine(reader, run.held, tier)
    if (tier === 'hour' && pieces.length === 0) break
    await nextTurn()
  }
  return run.held && refine(reader, run.held, 'hour')
}

interface Span { tier: TierName, from: number, to: number }

/** Which rollups are read one after the other, going back in whole hours; what is empty is passed over. */
async function* spansBefore(moment: number, reader: MetricReader): AsyncGenerator<Span> {
  const retainedMinutes = reader.kept.minute
  let to = moment
  for (const span of MINUTE_SPANS) {
    const from = floorTo(to - span, HOUR)
    if (from < retainedMinutes) break
    yield { tier: 'minute', from, to }
    const last = await reader.lastMinutes(from)
    // Where minutes are kept for ever there is nothing behind them.
    if (last === undefined && retainedMinutes <= 0) return
    to = Math.min(from, (last ?? from) + TIERS.minute.period)
  }
  for (let i = 0; i < MOST_HOUR_SPANS; i++) {
    yield { tier: 'hour', from: to - HOUR_SPAN, to }
    to -= HOUR_SPAN
  }
}

/** Where in the bucket that a run begins in it begins. */
async function refine(reader: MetricReader, held: ValueSince, tier: TierName): Promise<ValueSince> {
  if (tier === 'hour' && held.since >= reader.kept.minute) {
    const minutes = await reader.rollups('minute', held.since, held.since + TIERS.hour.step - 1)
    const begun = follow({ held: undefined, isEnded: false }, minutes.map(({ start, last }) => ({ time: start, value: last })))
    if (begun.held?.value === held.value) return refine(reader, begun.held, 'minute')
  }
  if (held.since < reader.kept.raw) return held
  const samples = await reader.samples(held.since, held.since + (tier === 'hour' ? HOUR : MINUTE) - 1)
  const begun = samples && follow({ held: undefined, isEnded: false }, samples)
  return begun?.held?.value === held.value ? begun.held : held
}
