import { describe, expect, it } from 'vitest'
import type { Telemetry } from '#shared/schemas/telemetry'
import { fromMicroseconds } from '#shared/time/time'
import type { History } from '../../../../../server/history/contract'
import type { DeviceStateAt } from '../../../../../server/history/queries/state-at'
import type { ScannedMessage } from '../../../../../server/history/queries/range-scan'
import { fromStored } from '../../../../../server/history/engine/records'
import { append, createRandom, HOUR, kept, randomMessages, SECOND, START, store, useSite } from './site'
import type { PlaceMaker } from './site'

const ALWAYS = () => true

function microseconds(iso: string): number {
  return Date.parse(iso) * 1000 + Number(/\.\d{3}(\d{3})/.exec(iso)?.[1] ?? 0)
}

/** By time, and by arrival where that is the same. */
function inOrder(messages: readonly Telemetry[]): Telemetry[] {
  return messages.toSorted((a, b) => microseconds(a.ts) - microseconds(b.ts))
}

/** The fleet at a moment by going through every message. */
function recomputed(messages: readonly Telemetry[], at: number) {
  const fleet = new Map<string, { last: string, values: Record<string, unknown>, wrongClock: boolean }>()
  for (const { deviceId, ts, receivedAt, metrics, absent = [], claimedTs } of inOrder(messages)) {
    if (microseconds(ts) > at) break
    const before = fleet.get(deviceId)
    const wrongClock = claimedTs !== undefined || (ts === receivedAt && (before?.wrongClock ?? false))
    fleet.set(deviceId, { last: JSON.stringify([ts, receivedAt, metrics]), values: { ...before?.values, ...metrics, ...Object.fromEntries(absent.map(name => [name, null])) }, wrongClock })
  }
  return Object.fromEntries([...fleet].sort())
}

async function momentOf(history: History, at: number, devices?: string[]) {
  const found = new Map<string, unknown>()
  await history.reader().devicesAt(at, devices, (deviceId, { last, values, wrongClock }: DeviceStateAt) => {
    const { ts, receivedAt, metrics } = fromStored(deviceId, last)
    found.set(deviceId, { last: JSON.stringify([ts, receivedAt, sorted(metrics)]), values: Object.fromEntries([...values].map(([name, { value }]) => [name, value])), wrongClock })
  }, ALWAYS)
  return Object.fromEntries([...found].sort())
}

const NAMES = ['x', 'rare', 'door', 'on']
function sorted(metrics: Telemetry['metrics']) {
  return Object.fromEntries(Object.entries(metrics).sort(([a], [b]) => NAMES.indexOf(a) - NAMES.indexOf(b)))
}

async function passed(history: History, from: number, until: number, devices?: ReadonlySet<string>, most = 50) {
  const past = history.reader()
  const messages: ScannedMessage[] = []
  let largest = 0
  for (let at = from; at < until;) {
    const passage = await past.scan({ from: at, until, devices, most, isWanted: ALWAYS })
    messages.push(...passage.messages)
    largest = Math.max(largest, passage.messages.length)
    expect(passage.to).toBeGreaterThan(at)
    at = passage.to
  }
  return { largest, messages: messages.map(({ device, message }) => fromStored(past.nameOf(device), message)) }
}

/** As the store has them: no more than it keeps of a message, names in one order. */
function plain(messages: readonly Telemetry[]) {
  return messages.map(({ metrics, ...rest }) => ({ ...rest, metrics: sorted(metrics) }))
}

/** The fleet at a moment, and what was measured from a moment on. */
export function conformsInThePast(make: PlaceMaker) {
  const site = useSite(make)

  describe('the fleet at a moment', () => {
    it.each([1, 2, 3])('is what going through every message would make it (%i)', async (seed) => {
      const random = createRandom(seed)
      const messages = randomMessages(random, 2_500)
      await store(site, messages, random)
      for (let i = 0; i < 40; i++) {
        const at = START + random(15 * 3600) * SECOND + random(SECOND)
        expect(await momentOf(site.history, at), fromMicroseconds(at)).toEqual(recomputed(messages, at))
      }
    })

    it('includes what was measured at that very moment, and nothing later', async () => {
      append(site.history, { deviceId: 'tor-1', ts: fromMicroseconds(START), receivedAt: fromMicroseconds(START), metrics: { x: 1 } })
      append(site.history, { deviceId: 'tor-1', ts: fromMicroseconds(START + 1), receivedAt: fromMicroseconds(START), metrics: { x: 2 } })
      await kept(site.history)
      expect(await momentOf(site.history, START - 1)).toEqual({})
      expect(await momentOf(site.history, START)).toMatchObject({ 'tor-1': { values: { x: 1 } } })
      expect(await momentOf(site.history, START + 1)).toMatchObject({ 'tor-1': { values: { x: 2 } } })
    })

    it('is told of some devices only', async () => {
      const random = createRandom(4)
      const messages = randomMessages(random, 300)
      await store(site, messages, random)
      const { 'tor-2': expected } = recomputed(messages, START + HOUR)
      expect(await momentOf(site.history, START + HOUR, ['tor-2', 'nobody'])).toEqual({ 'tor-2': expected })
    })
  })

  describe('what was measured from a moment on', () => {
    it.each([5, 6, 7])('comes in order, each message once, in portions (%i)', async (seed) => {
      const random = createRandom(seed)
      const messages = randomMessages(random, 2_500)
      await store(site, messages, random)
      for (let i = 0; i < 5; i++) {
        const from = START + random(12 * 3600) * SECOND
        const until = from + random(6 * 3600) * SECOND
        const expected = plain(inOrder(messages).filter(({ ts }) => microseconds(ts) >= from && microseconds(ts) < until))
        const { messages: found, largest } = await passed(site.history, from, until)
        expect(plain(found)).toEqual(expected)
        expect(largest).toBeLessThanOrEqual(100)
        const one = await passed(site.history, from, until, new Set(['tor-3']))
        expect(plain(one.messages)).toEqual(expected.filter(({ deviceId }) => deviceId === 'tor-3'))
      }
    })

    it('is complete when devices are packed while it is read', async () => {
      const messages = Array.from({ length: 60_000 }, (_, i): Telemetry => {
        const ts = fromMicroseconds(START + i * 50_000)
        return { deviceId: `tor-${i % 30}`, ts, receivedAt: ts, metrics: { x: i } }
      })
      for (const message of messages) append(site.history, message)
      await kept(site.history)
      // Asked at the end of every slice, of which a fast machine needs fewer: then it is the turn of everything else.
      let packed = 0
      const isWanted = () => {
        void site.history.packAll(`tor-${29 - packed++ % 30}`)
        return true
      }
      const past = site.history.reader()
      const {
        messages: found,
      } = await past.scan({ from: START, until: START + HOUR, devices: undefined, most: 100_000, isWanted })
      expect(packed).toBeGreaterThan(0)
      expect(found.map(({ message }) => message.metrics.x)).toEqual(messages.map(({ metrics }) => metrics.x))
    })

    it('does not look at every hour of a long silence', async () => {
      for (const day of [0, 300]) append(site.history, { deviceId: 'tor-1', ts: fromMicroseconds(START + day * 24 * HOUR), receivedAt: fromMicroseconds(START + day * 24 * HOUR), metrics: { x: day } })
      await kept(site.history)
      await site.history.packAll()
      const past = site.history.reader()
      const {
        to,
      } = await past.scan({ from: START + 1, until: Infinity, devices: undefined, most: 10, isWanted: ALWAYS })
      expect(to).toBeGreaterThan(START + 299 * 24 * HOUR)
      expect(to).toBeLessThanOrEqual(START + 300 * 24 * HOUR)
    })

    it('of one microsecond is not torn apart', async () => {
      for (let x = 0; x < 300; x++) append(site.history, { deviceId: `tor-${x % 3}`, ts: fromMicroseconds(START), receivedAt: fromMicroseconds(START + 1_000), metrics: { x } })
      await kept(site.history)
      const { messages } = await passed(site.history, START, START + 10, undefined, 10)
      expect(messages).toHaveLength(300)
      expect(messages.filter(({ deviceId }) => deviceId === 'tor-1').map(({ metrics }) => metrics.x)).toEqual(Array.from({ length: 100 }, (_, i) => 1 + 3 * i))
    })
  })

  describe('the first moment', () => {
    it('is that of the oldest message, packed or not', async () => {
      expect(await site.history.reader().earliest()).toBeUndefined()
      append(site.history, { deviceId: 'tor-1', ts: fromMicroseconds(START), receivedAt: fromMicroseconds(START), metrics: { x: 1 } })
      await kept(site.history)
      expect(await site.history.reader().earliest()).toBe(START)
      await site.history.packAll()
      append(site.history, { deviceId: 'tor-1', ts: fromMicroseconds(START - HOUR), receivedAt: fromMicroseconds(START), metrics: { x: 1 } })
      await kept(site.history)
      expect(await site.history.reader().earliest()).toBe(START - HOUR)
    })
  })
}
