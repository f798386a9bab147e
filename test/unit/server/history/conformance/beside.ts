import { describe, expect, it } from 'vitest'
import type { Presence } from '#shared/schemas/device'
import { StoredCountersSchema } from '../../../../../server/fleet/counters'
import { append, createRandom, DAY, FOR_EVER, kept, NOW_MS, randomMessages, samples, START, telemetry, useSite } from './site'
import type { PlaceMaker } from './site'

/** What lies beside the messages: documents, the lines of presence, and devices that are forgotten. */
export function conformsBeside(make: PlaceMaker) {
  let nowMs = NOW_MS
  const site = useSite(make, { now: () => nowMs })

  describe('documents', () => {
    it('are all written or none, and are there after opening again', async () => {
      const changes = [{ kind: 'a', name: '1', body: '{"x":"ü"}' }, { kind: 'a', name: '2', body: 'y' }, { kind: 'b', name: '1', body: Buffer.from([0, 1, 255]) }]
      await site.history.documents.write(changes)
      await site.history.documents.write([{ kind: 'a', name: '2', body: 'z' }])
      for (const opens of [false, true]) {
        if (opens) await site.reopen()
        expect(site.history.documents.all('a').sort((a, b) => a.name.localeCompare(b.name))).toEqual([{ name: '1', body: '{"x":"ü"}' }, { name: '2', body: 'z' }])
        expect([...site.history.documents.bytes('b', '1') ?? []]).toEqual([0, 1, 255])
        expect([site.history.documents.all('c'), site.history.documents.bytes('b', '2')]).toEqual([[], undefined])
      }
      await site.history.documents.write(changes.map(change => ({ ...change, body: null })))
      expect([site.history.documents.all('a'), site.history.documents.bytes('b', '1')]).toEqual([[], undefined])
      await site.history.close()
      await expect(site.history.documents.write(changes)).rejects.toThrow('not open')
      await site.history.open()
      expect(site.history.documents.all('a')).toEqual([])
    })

    it('are written while messages are stored', async () => {
      const writes = Array.from({ length: 20 }, (_, n) => site.history.documents.write([{ kind: 'a', name: String(n), body: String(n) }]))
      for (let n = 0; n < 20; n++) {
        append(site.history, telemetry(START + n, { x: n }))
        expect(await kept(site.history)).toBe(true)
      }
      await Promise.all(writes)
      expect(site.history.documents.all('a')).toHaveLength(20)
      expect(await samples(site.history)).toHaveLength(20)
    })
  })

  describe('marks', () => {
    it('are added to, and are there after opening again', async () => {
      const name = site.history.marks.get('name')
      expect(name).toBeGreaterThan(0)
      await site.history.marks.add('session:"plant" ü', 1)
      await Promise.all([1, 2, 3].map(by => site.history.marks.add('ran', by)))
      for (const opens of [false, true]) {
        if (opens) await site.reopen()
        expect(['name', 'session:"plant" ü', 'ran', 'other'].map(site.history.marks.get)).toEqual([name, 1, 6, undefined])
      }
      append(site.history, telemetry(START, { x: 1 }))
      const marked = site.history.marks.add('ran', 4)
      expect(await kept(site.history)).toBe(true)
      await marked
      expect(site.history.marks.get('ran')).toBe(10)
    })
  })

  describe('the lines of presence', () => {
    const ALWAYS = { from: 0, to: (NOW_MS + 1_000 * 86_400_000) * 1_000 }

    async function speak(deviceId = 'tor-1') {
      append(site.history, telemetry(nowMs * 1_000, { x: 1 }, deviceId))
      await kept(site.history)
    }
    function turn(presence: Presence, atSecond: number, deviceId = 'tor-1') {
      nowMs = NOW_MS + atSecond * 1_000
      site.history.presence.note({ deviceId, presence, since: new Date(nowMs).toISOString() })
    }
    const toWord = ({ at, presence }: { at: string, presence: Presence }) => `${presence}@${(Date.parse(at) - NOW_MS) / 1_000}`
    const lines = async (deviceId = 'tor-1') => (await site.history.presence.read(deviceId, ALWAYS, 2_000)).lines.map(toWord)

    it('are there at once, and after a start that nobody missed', async () => {
      nowMs = NOW_MS
      await speak()
      turn('live', 1)
      turn('late', 5)
      turn('live', 6)
      const expected = ['live@1', 'late@5', 'live@6']
      expect(await lines()).toEqual(expected)
      nowMs = NOW_MS + 10_000
      await site.reopen()
      expect(await lines()).toEqual([...expected, 'unknown@10'])
      turn('unknown', 20)
      turn('live', 30)
      await site.reopen()
      expect(await lines()).toEqual([...expected, 'unknown@10', 'live@30', 'unknown@30'])
      expect(await lines('nobody')).toEqual([])
    })

    it('say the range, what held when it began, and that there are more', async () => {
      await speak()
      for (let second = 1; second <= 9; second++) turn(second % 2 ? 'live' : 'late', second)
      for (const opens of [false, true]) {
        if (opens) await site.reopen()
        const range = { from: (NOW_MS + 4_000) * 1_000, to: (NOW_MS + 8_000) * 1_000 }
        const answer = await site.history.presence.read('tor-1', range, 2)
        expect([answer.before && toWord(answer.before), answer.lines.map(toWord), answer.more]).toEqual(['late@6', ['live@7', 'late@8'], true])
      }
    })

    it('go with the messages, but for the one that still held', async () => {
      nowMs = NOW_MS
      await speak()
      for (const day of [0, 5, 95]) turn(day === 5 ? 'silent' : 'live', day * 86_400)
      nowMs = NOW_MS + 100 * 86_400_000
      await site.reopen({ retention: { ...FOR_EVER, rawDays: 10 } })
      await site.history.maintain()
      expect(await lines()).toEqual(['silent@432000', 'live@8208000', 'unknown@8640000'])
    })
  })

  describe('a device that is forgotten', () => {
    it('is gone with all that was kept of it, in one transaction with the documents, and its name is free', async () => {
      for (const deviceId of ['tor-1', 'tor-2']) {
        append(site.history, telemetry(START, { x: 1 }, deviceId))
        await kept(site.history)
        await site.history.packAll()
        append(site.history, telemetry(START + DAY, { x: 2 }, deviceId))
      }
      await kept(site.history)
      let told = 0
      await site.history.forget('tor-1', [{ kind: 'gone', name: 'tor-1', body: 'x' }], () => told++)
      expect(told).toBe(1)
      expect(await samples(site.history)).toEqual([])
      expect(site.history.documents.all('gone')).toEqual([{ name: 'tor-1', body: 'x' }])
      append(site.history, telemetry(START, { x: 9 }))
      await kept(site.history)
      await site.history.maintain()
      for (const opens of [false, true]) {
        if (opens) await site.reopen()
        expect(await samples(site.history)).toEqual([[START, 9]])
        expect(await samples(site.history, 'x', 'tor-2')).toHaveLength(2)
      }
      expect(site.records.map(({ value }) => value.deviceId)).toEqual(['tor-2', 'tor-1'])
      expect((await site.history.storage()).devices).toBe(2)
    })

    it('may be one that nothing is kept of', async () => {
      await site.history.forget('nobody', [{ kind: 'gone', name: 'nobody', body: 'x' }], () => {})
      expect(site.history.documents.all('gone')).toHaveLength(1)
    })
  })

  it('packs the state of a device as it is behind exactly the messages that are packed with it', async () => {
    const counted = new Map<string, number>()
    const stateOf = (deviceId: string) => JSON.stringify({ counters: { stored: counted.get(deviceId) ?? 0 } })
    await site.reopen({ stateOf })
    const random = createRandom(5)
    const packing: unknown[] = []
    for (const message of randomMessages(random, 1_500)) {
      append(site.history, message)
      counted.set(message.deviceId, (counted.get(message.deviceId) ?? 0) + 1)
      if (random(4) === 0) packing.push(kept(site.history))
      // Nobody waits for it: messages come while it is under way.
      if (random(200) === 0) packing.push(site.history.packAll(`tor-${random(5)}`))
      if (random(5) === 0) await new Promise(setImmediate)
    }
    packing.push(kept(site.history))
    await Promise.all(packing)
    await site.reopen({ stateOf })
    const found = new Map(site.devices.map(({ deviceId, state }) => [deviceId, StoredCountersSchema.parse(state).counters.stored]))
    expect(Math.max(...found.values())).toBeGreaterThan(0)
    for (const { value: { deviceId } } of site.records) found.set(deviceId, (found.get(deviceId) ?? 0) + 1)
    expect(found).toEqual(counted)
  })

  it('answers nothing and takes nothing while it is closed', async () => {
    await site.history.close()
    expect(site.history.isOpen()).toBe(false)
    await expect(samples(site.history)).rejects.toThrow('not open')
    expect(() => append(site.history, telemetry(START, { x: 1 }))).toThrow('not open')
    await site.history.open()
    expect(site.history.isOpen()).toBe(true)
  })
}
