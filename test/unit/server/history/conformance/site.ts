import { afterEach, beforeEach, expect } from 'vitest'
import type { MetricValue, Telemetry } from '#shared/schemas/telemetry'
import { fromMicroseconds } from '#shared/time/time'
import type { History, HistoryOptions } from '../../../../../server/history/contract'
import type { Delivery } from '../../../../../server/history/engine/deduplication'
import type { JournalRecord } from '../../../../../server/history/engine/records'

export const START = Date.parse('2026-03-01T00:00:00Z') * 1_000
export const SECOND = 1_000_000
export const HOUR = 3_600 * SECOND
export const DAY = 24 * HOUR
/** All tests are of a time that is not long ago for the history. */
export const NOW_MS = START / 1_000 + 100 * 86_400_000

export const FOR_EVER = { rawDays: 0, minuteDays: 0, hourDays: 0, bytes: 1e9 }

/** One place where a history is kept; what is opened in it again finds what was there. */
export interface Place {
  create: (options: HistoryOptions) => History
  remove: () => Promise<void>
}

export type PlaceMaker = () => Promise<Place>

/** What the tests of one file have in common: a place, and the history that is open in it. */
export interface Site {
  history: History
  /** What the last opening has told. */
  devices: { deviceId: string, state: unknown }[]
  records: JournalRecord[]
  faults: (string | null)[]
  reopen: (given?: Partial<HistoryOptions>) => Promise<void>
}

/** A history in a place of its own for each test. */
export function useSite(make: PlaceMaker, standard: Partial<HistoryOptions> = {}): Site {
  let place: Place | undefined
  const site: Site = {
    get history(): History { throw new Error('not open') },
    devices: [], records: [], faults: [],
    async reopen(given = {}) {
      await site.history.close()
      await open(given)
    },
  }

  async function open(given: Partial<HistoryOptions>) {
    if (!place) throw new Error('no place')
    const history = place.create({
      durability: 'normal', unacknowledged: 100, retention: FOR_EVER, now: () => NOW_MS, stateOf: deviceId => JSON.stringify({ deviceId }),
      onFault: reason => site.faults.push(reason),
      onOpen(restored) {
        site.devices = restored.devices
        site.records = [...restored.records]
      },
      ...standard, ...given,
    })
    Object.defineProperty(site, 'history', { value: history, configurable: true })
    site.faults = []
    await history.open()
    expect(history.fault()).toBeNull()
  }

  beforeEach(async () => {
    place = await make()
    await open({})
  })
  afterEach(async () => {
    await site.history.close()
    await place?.remove()
  })
  return site
}

let packetId = 0
/** Another one each time, as long as not too many are under way. */
const nextPacketId = () => packetId++ % 65_535 + 1

export function telemetry(time: number, metrics: Record<string, MetricValue>, deviceId = 'tor-1'): Telemetry {
  return { deviceId, ts: fromMicroseconds(time), receivedAt: fromMicroseconds(time), metrics }
}

export function append(history: History, value: Telemetry, given: Partial<Delivery> = {}) {
  const body = JSON.stringify(value)
  history.append({ kind: 'telemetry', value, body, delivery: { packetId: nextPacketId(), topic: `sensors/${value.deviceId}/telemetry`, payload: Buffer.from(body), redelivered: false, ...given } })
}

/** Ends the turn; whether what it brought is kept. */
export function kept(history: History): Promise<boolean> {
  return new Promise(resolve => history.commit(resolve))
}

/** Every sample of a metric, as time and value. */
export async function samples(history: History, metric = 'x', deviceId = 'tor-1'): Promise<[time: number, value: MetricValue | null][]> {
  const answer = await history.raw({ deviceId, metric, unit: null, from: 0, to: Number.MAX_SAFE_INTEGER }, 1_000_000)
  if (answer.kind !== 'samples') throw new Error('not raw')
  return answer.points.map(([ms, value]) => [Math.round(ms * 1_000), value])
}

export type Random = (below: number) => number

/** Numbers that are the same in every run. */
export function createRandom(seed: number): Random {
  let state = seed
  return (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor(state / 2_147_483_648 * below)
  }
}

/** Messages of some devices: most as they happen, some late, some without a time of their own, one metric that hardly ever comes. */
export function randomMessages(random: Random, messages: number): Telemetry[] {
  return Array.from({ length: messages }, (_, i) => {
    const received = START + i * 20 * SECOND + random(20) * SECOND + random(1_000) * 1_000
    const late = random(10) === 0 ? random(6 * 3600) * SECOND : random(3) * SECOND
    const isDated = random(3) > 0
    return {
      deviceId: `tor-${random(5)}`,
      ts: fromMicroseconds(isDated ? received - late - random(1_000) : received),
      receivedAt: fromMicroseconds(received),
      metrics: {
        ...(random(4) > 0 && { x: random(50) }),
        ...(random(100) === 0 && { rare: random(1_000) }),
        ...(random(40) === 0 && { door: random(2) === 0 ? 'open' : 'closed' }),
        on: random(2) === 0,
      },
      ...(random(30) === 0 && { absent: ['nothing'] }),
      ...(!isDated && random(20) === 0 && { claimedTs: '2090-01-01T00:00:00Z' }),
    }
  })
}

/** Stores them, packing and opening again in between. */
export async function store(site: Site, messages: readonly Telemetry[], random: Random) {
  for (const message of messages) {
    append(site.history, message)
    if (random(10) === 0) await kept(site.history)
    if (random(400) === 0) {
      await kept(site.history)
      await site.history.packAll()
    }
    else if (random(100) === 0) {
      await kept(site.history)
      await site.history.packAll(`tor-${random(5)}`)
    }
    if (random(700) === 0) await site.reopen()
  }
  await kept(site.history)
}
