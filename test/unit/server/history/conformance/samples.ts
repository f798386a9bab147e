import { describe, expect, it } from 'vitest'
import { MAX_RAW } from '#shared/schemas/history'
import { fromMicroseconds } from '#shared/time/time'
import { fromStored } from '../../../../../server/history/engine/records'
import { append, createRandom, DAY, FOR_EVER, HOUR, kept, NOW_MS, randomMessages, samples, SECOND, START, store, telemetry, useSite } from './site'
import type { PlaceMaker } from './site'

/** What is stored is there, once, however it is asked for. */
export function conformsInSamples(make: PlaceMaker) {
  const site = useSite(make)

  describe('samples', () => {
    it('are there before and after packing, and after opening again', async () => {
      append(site.history, telemetry(START, { x: 1, door: 'open' }))
      append(site.history, telemetry(START + SECOND, { x: 2, on: true }))
      expect(await kept(site.history)).toBe(true)
      const expected = [[START, 1], [START + SECOND, 2]]
      expect(await samples(site.history)).toEqual(expected)
      await site.history.packAll()
      expect(await samples(site.history)).toEqual(expected)
      expect(await samples(site.history, 'door')).toEqual([[START, 'open']])
      await site.reopen()
      expect(await samples(site.history)).toEqual(expected)
      expect(site.devices).toEqual([{ deviceId: 'tor-1', state: { deviceId: 'tor-1' } }])
      expect(site.records).toEqual([])
      append(site.history, telemetry(START + 2 * SECOND, { x: 3 }))
      await kept(site.history)
      await site.reopen()
      expect(site.records).toMatchObject([{ kind: 'telemetry', value: { deviceId: 'tor-1', metrics: { x: 3 } } }])
      expect(await samples(site.history)).toEqual([...expected, [START + 2 * SECOND, 3]])
    })

    it('equal to the one before at that time are one, others lie a microsecond later', async () => {
      for (const x of [1, 2, 1, 3]) append(site.history, telemetry(START, { x }))
      await kept(site.history)
      const expected = [1, 2, 1, 3].map((value, i) => [START + i, value])
      expect(await samples(site.history)).toEqual(expected)
      await site.history.packAll()
      expect(await samples(site.history)).toEqual(expected)
      for (const x of [3, 4, 3]) append(site.history, telemetry(START, { x }))
      append(site.history, telemetry(START + 6, { x: 5 }))
      await kept(site.history)
      const all = [...expected, [START + 4, 4], [START + 5, 3], [START + 6, 5]]
      expect(await samples(site.history)).toEqual(all)
      await site.history.packAll()
      expect(await samples(site.history)).toEqual(all)
    })

    it('of one time are listed with the message received last on top, packed or not', async () => {
      for (const x of [1, 2, 1]) append(site.history, telemetry(START, { x }))
      await kept(site.history)
      const listed = async () => (await site.history.messagesBefore('tor-1', Infinity, 10)).map(({ metrics }) => metrics.x)
      expect(await listed()).toEqual([1, 2, 1])
      for (const x of [7, 8]) append(site.history, telemetry(START, { x }))
      await kept(site.history)
      expect(await listed()).toEqual([8, 7, 1, 2, 1])
      await site.history.packAll()
      expect(await listed()).toEqual([8, 7, 1, 2, 1])
    })

    it('are not there twice when a message is told again as the newest', async () => {
      const told = telemetry(START, { x: 1 })
      append(site.history, { ...told, late: true })
      append(site.history, { ...told, late: false }, { packetId: undefined })
      await kept(site.history)
      expect(await site.history.messagesBefore('tor-1', Infinity, 10)).toHaveLength(1)
      await site.reopen()
      expect(site.records.map(({ value }) => 'late' in value && value.late)).toEqual([true, false])
      expect(await site.history.messagesBefore('tor-1', Infinity, 10)).toHaveLength(1)
      await site.history.packAll()
      expect(await site.history.messagesBefore('tor-1', Infinity, 10)).toHaveLength(1)
      expect(await samples(site.history)).toEqual([[START, 1]])
    })

    it('may have any text in them', async () => {
      const text = 'a "b" \'c\' \\ {} , \n ü 😀'
      append(site.history, telemetry(START, { [text]: text }, text))
      await kept(site.history)
      await site.history.packAll()
      expect(await samples(site.history, text, text)).toEqual([[START, text]])
      expect(await samples(site.history, 'x', 'nobody')).toEqual([])
    })
  })

  describe('a status', () => {
    it('comes back with the records, and is in the state once it is packed', async () => {
      const change = { deviceId: 'tor-1', status: 'open', updatedAt: fromMicroseconds(START), receivedAt: fromMicroseconds(START) }
      site.history.append({ kind: 'status', value: change, body: JSON.stringify(change), delivery: { packetId: 1, topic: 't', payload: Buffer.from('open'), redelivered: false } })
      await kept(site.history)
      await site.reopen()
      expect(site.records).toMatchObject([{ kind: 'status', value: change, bytes: 4 }])
      await site.history.packAll()
      await site.reopen()
      expect(site.records).toEqual([])
      expect(site.devices).toEqual([{ deviceId: 'tor-1', state: { deviceId: 'tor-1' } }])
    })
  })

  describe('a redelivery', () => {
    const delivery = (packetId: number, text: string, redelivered = true) => ({ packetId, topic: 't', payload: Buffer.from(text), redelivered })
    const isStored = (packetId: number, text: string) => site.history.isStored(delivery(packetId, text))

    it('is known by its packet id and content, also after opening again, until the broker has forgotten', async () => {
      append(site.history, telemetry(START, { x: 1 }), delivery(7, 'a'))
      await kept(site.history)
      expect([isStored(7, 'a'), isStored(7, 'b'), isStored(8, 'a')]).toEqual([true, false, false])
      await site.history.packAll()
      await site.reopen()
      expect(isStored(7, 'a')).toBe(true)
      site.history.forgetDeliveries()
      expect(isStored(7, 'a')).toBe(false)
      await site.reopen()
      expect(isStored(7, 'a')).toBe(false)
      append(site.history, telemetry(START, { x: 2 }), delivery(7, 'a', false))
      await kept(site.history)
      await site.reopen()
      expect(isStored(7, 'a')).toBe(true)
    })

    it('that is not marked is known among the last deliveries right after the session was resumed', async () => {
      for (let id = 1; id <= 150; id++) append(site.history, telemetry(START, { x: id }), delivery(id, 'same', false))
      await kept(site.history)
      const unmarked = (id: number) => site.history.isStored(delivery(id, 'same', false))
      expect(unmarked(150)).toBe(false)
      site.history.sessionResumed()
      expect([unmarked(150), unmarked(10)]).toEqual([true, false])
      await site.reopen()
      site.history.sessionResumed()
      expect(unmarked(150)).toBe(true)
    })
  })

  describe('a turn', () => {
    it('that ends while another is stored is kept, too, and one without messages is told after those before it', async () => {
      const told: number[] = []
      const turns = Array.from({ length: 40 }, async (_, n) => {
        if (n % 4 !== 3) append(site.history, telemetry(START + n, { x: n }))
        expect(await kept(site.history)).toBe(true)
        told.push(n)
      })
      await Promise.all(turns)
      expect(told).toEqual(Array.from({ length: 40 }, (_, n) => n))
      await site.reopen()
      expect(await samples(site.history)).toHaveLength(30)
    })

    it('that has ended is kept when the history is closed', async () => {
      append(site.history, telemetry(START, { x: 1 }))
      site.history.commit()
      await site.reopen()
      expect(await samples(site.history)).toEqual([[START, 1]])
    })
  })

  describe('a chart', () => {
    it('comes from messages, minutes or hours, by its range', async () => {
      for (let n = 0; n < 3 * 24 * 60; n++) append(site.history, telemetry(START + n * 60 * SECOND, { x: n % 100, door: n < 3_000 ? 'open' : 'closed' }))
      await kept(site.history)
      const ask = (metric: string, from: number, to: number, points: number) => site.history.thinned({ deviceId: 'tor-1', metric, unit: null, from, to }, points)
      for (const packs of [false, true]) {
        if (packs) await site.history.packAll()
        expect(await ask('x', START, START + HOUR, 60)).toMatchObject({ kind: 'number', resolution: 'raw', stepSeconds: 60 })
        const minutes = await ask('x', START, START + 2 * DAY, 96)
        expect(minutes).toMatchObject({ resolution: 'minute', stepSeconds: 1_800 })
        expect(minutes.points[0]).toEqual({ time: START / 1_000, min: 0, max: 29, mean: 14.5, last: 29, count: 30 })
        const hours = await ask('x', START, START + 3 * DAY, 10)
        expect(hours).toMatchObject({ resolution: 'hour', stepSeconds: 28_800 })
        expect(hours.points).toHaveLength(9)
        // An hour later than the last word, the door is still open.
        expect(await ask('door', START + 2 * HOUR, START + 3 * HOUR, 60)).toMatchObject({ kind: 'state', points: [{ from: (START + 2 * HOUR) / 1_000, to: (START + 3 * HOUR) / 1_000, value: 'open' }] })
        expect(await ask('nothing', START, START + HOUR, 60)).toMatchObject({ kind: 'number', resolution: 'raw', points: [] })
      }
    })

    it('begins with what a state was before', async () => {
      append(site.history, telemetry(START, { door: 'open' }))
      append(site.history, telemetry(START + 5 * HOUR, { door: 'closed' }))
      await kept(site.history)
      const ask = () => site.history.thinned({ deviceId: 'tor-1', metric: 'door', unit: null, from: START + 4 * HOUR, to: START + 6 * HOUR }, 100)
      const expected = [{ from: (START + 4 * HOUR) / 1_000, to: (START + 5 * HOUR) / 1_000, value: 'open', since: START / 1_000 }, { from: (START + 5 * HOUR) / 1_000, to: (START + 6 * HOUR) / 1_000, value: 'closed' }]
      expect((await ask()).points).toEqual(expected)
      await site.history.packAll()
      expect((await ask()).points).toEqual(expected)
    })

    it('says since when a state holds that began long before', async () => {
      const at = START + 45 * DAY + 7 * 60 * SECOND + 11 * SECOND
      for (const [time, door] of [[START, 'closed'], [START + DAY, 'open'], [at, 'closed']] as const) append(site.history, telemetry(time, { door }))
      // Said again and again, and once something else that is over within the hour.
      for (let n = 1; n < 40; n++) append(site.history, telemetry(at + n * DAY, { door: 'closed', mode: n === 20 ? 'service' : 'auto' }))
      append(site.history, telemetry(at + 20 * DAY + 600 * SECOND, { mode: 'auto' }))
      await kept(site.history)
      const since = async (metric: string) => {
        const answer = await site.history.thinned({ deviceId: 'tor-1', metric, unit: null, from: at + 39 * DAY + 3 * HOUR, to: at + 39 * DAY + 4 * HOUR }, 100)
        if (answer.kind !== 'state') throw new Error(answer.kind)
        return answer.points.map(point => point.since)
      }
      for (const isPacked of [false, true]) {
        if (isPacked) await site.history.packAll()
        expect(await since('door')).toEqual([at / 1_000])
        expect(await since('mode')).toEqual([(at + 20 * DAY + 600 * SECOND) / 1_000])
      }
    })

    it('in small is the mean of each minute of the last hour', async () => {
      for (let n = 0; n < 10; n++) append(site.history, telemetry(START + n * 30 * SECOND, { x: n }))
      await kept(site.history)
      const expected = [0, 1, 2, 3, 4].map(n => [START / 1_000 + n * 60_000, 2 * n + 0.5])
      expect(await site.history.sparkline('tor-1', 'x', START + HOUR)).toEqual({ points: expected })
      await site.history.packAll()
      expect(await site.history.sparkline('tor-1', 'x', START + HOUR)).toEqual({ points: expected })
      expect(await site.history.sparkline('tor-1', 'y', START + HOUR)).toEqual({ points: [] })
    })
  })

  it('gives back messages from before a moment, newest first, and exports all samples', async () => {
    const random = createRandom(11)
    const messages = randomMessages(random, 1_500)
    await store(site, messages, random)
    const own = messages.filter(({ deviceId }) => deviceId === 'tor-1').sort((a, b) => Date.parse(b.ts) - Date.parse(a.ts))
    const found = await site.history.messagesBefore('tor-1', Infinity, 20)
    expect(found.slice(0, 20).map(message => fromStored('tor-1', message).ts)).toEqual(own.slice(0, 20).map(({ ts }) => ts))

    const { messages: count, hours } = await site.history.export('tor-1', START, START + 100 * DAY)
    const exported: [string, number, unknown][] = []
    for await (const hour of hours) exported.push(...hour.map(({ metric, time, value }): [string, number, unknown] => [metric, time, value]))
    expect(count).toBe(own.filter(({ ts }) => Date.parse(ts) * 1_000 >= START).length)
    for (const metric of ['x', 'door', 'on', 'rare']) {
      const all = (await samples(site.history, metric)).filter(([time]) => time >= START)
      expect(exported.filter(([name]) => name === metric).map(([, time, value]) => [time, value])).toEqual(all)
    }
  })

  it('gives at most as many samples as are asked for, and says that there are more', async () => {
    for (let n = 0; n < 10; n++) append(site.history, telemetry(START + n, { x: n }))
    await kept(site.history)
    const question = { deviceId: 'tor-1', metric: 'x', unit: '°C', from: START, to: START + 8 }
    expect(await site.history.raw(question, 3)).toMatchObject({ unit: '°C', more: true, points: [[START / 1_000, 0], [(START + 1) / 1_000, 1], [(START + 2) / 1_000, 2]] })
    expect(await site.history.raw(question, MAX_RAW)).toMatchObject({ more: false, points: { length: 9 } })
  })

  describe('what is too old', () => {
    it('keeps what is handed in late as long as what is handed in at once', async () => {
      const retention = { ...FOR_EVER, rawDays: 10 }
      const now = NOW_MS * 1_000
      const late = { ...telemetry(START, { x: 1 }), receivedAt: fromMicroseconds(now - DAY) }
      append(site.history, telemetry(START + SECOND, { x: 2 }, 'tor-2'))
      append(site.history, late)
      append(site.history, telemetry(now - DAY, { x: 3 }))
      await kept(site.history)
      await site.history.packAll()
      const raw = async (deviceId = 'tor-1') => {
        const answer = await site.history.raw({ deviceId, metric: 'x', unit: null, from: 0, to: now }, 10)
        return answer.points.map(point => Array.isArray(point) && point[1])
      }
      await site.reopen({ retention })
      await site.history.maintain()
      expect(await raw()).toEqual([1, 3])
      expect(await raw('tor-2')).toEqual([])
      expect((await site.history.messagesBefore('tor-1', Infinity, 10)).map(({ time }) => time)).toEqual([now - DAY, START])
      const { hours } = await site.history.export('tor-1', 0, now)
      const exported = []
      for await (const hour of hours) exported.push(...hour)
      expect(exported.map(({ value }) => value)).toEqual([1, 3])
      expect(await site.history.storage()).toMatchObject({ messages: 2 })
      await site.reopen({ retention, now: () => NOW_MS + 9.5 * 86_400_000 })
      await site.history.maintain()
      expect(await raw()).toEqual([])
    })

    it('deletes nothing by its age while the time is not to be trusted', async () => {
      append(site.history, telemetry(START, { x: 1 }))
      await kept(site.history)
      await site.history.packAll()
      await site.reopen({ retention: { ...FOR_EVER, rawDays: 10, minuteDays: 20, hourDays: 30 }, pruneNow: () => undefined })
      await site.history.maintain()
      expect(await samples(site.history)).toEqual([[START, 1]])
      await site.reopen({ retention: { ...FOR_EVER, rawDays: 10, minuteDays: 20, hourDays: 30 } })
      await site.history.maintain()
      expect(await samples(site.history)).toEqual([])
    })

    it('goes by its age, and what comes late is added to what is left', async () => {
      await site.reopen({ retention: { ...FOR_EVER, rawDays: 10, minuteDays: 20 } })
      for (let day = 0; day < 100; day++) append(site.history, telemetry(START + day * DAY, { x: day }))
      await kept(site.history)
      await site.history.packAll()
      await site.history.maintain()
      expect((await samples(site.history)).map(([, value]) => value)).toEqual(Array.from({ length: 10 }, (_, i) => 90 + i))
      const count = async (from: number, to: number, points: number) => {
        const { resolution, points: found } = await site.history.thinned({ deviceId: 'tor-1', metric: 'x', unit: null, from, to }, points)
        return [resolution, found.length]
      }
      expect(await count(START + 80 * DAY, START + 100 * DAY - 1, 5_000)).toEqual(['minute', 20])
      expect(await count(START, START + 100 * DAY - 1, 2_400)).toEqual(['hour', 100])
      append(site.history, telemetry(START + 85 * DAY, { x: 1 }))
      append(site.history, telemetry(START + 50 * DAY, { x: 1 }))
      await kept(site.history)
      await site.history.packAll()
      const at = async (day: number, span: number) => (await site.history.thinned({ deviceId: 'tor-1', metric: 'x', unit: null, from: START + day * DAY, to: START + day * DAY + span }, 1)).points[0]
      expect(await at(85, HOUR - 1)).toMatchObject({ count: 2, min: 1, max: 85, mean: 43 })
      expect(await at(50, 2 * HOUR - 1)).toMatchObject({ count: 2, min: 1, max: 50 })
      expect(await site.history.reader().earliest()).toBe(START + 90 * DAY)
      await site.reopen()
      expect(await site.history.reader().earliest()).toBe(START + 90 * DAY)
    })
  })

  it('has figures at any time', async () => {
    for (let n = 0; n < 10; n++) append(site.history, telemetry(START + n, { x: n }))
    expect(site.history.figures()).toMatchObject({ uncommitted: 10, uncompacted: 10, commits: 0, limitBytes: 1e9 })
    await kept(site.history)
    expect(site.history.figures()).toMatchObject({ uncommitted: 0, uncompacted: 10, commits: 1 })
    await site.history.packAll()
    await site.history.maintain()
    expect(site.history.figures()).toMatchObject({ uncommitted: 0, uncompacted: 0, commits: 1, rawFrom: START })
    expect(site.history.figures()?.usedBytes).toBeGreaterThan(1_000)
    await site.history.close()
    expect(site.history.figures()).toBeUndefined()
    await site.history.open()
  })

  it('says what is kept and what costs most', async () => {
    for (let n = 0; n < 500; n++) append(site.history, telemetry(START + n * 60 * SECOND, { noisy: Math.sin(n), door: 'open' }))
    append(site.history, telemetry(START, { x: 1 }, 'tor-2'))
    await kept(site.history)
    await site.history.packAll()
    const report = await site.history.storage()
    expect(report).toMatchObject({ devices: 2, series: 3, messages: 501, durability: expect.any(String), fault: null, limitBytes: 1e9 })
    expect(report.metrics[0]).toMatchObject({ deviceId: 'tor-1', metric: 'noisy' })
    expect(report.tiers.map(({ tier, from }) => [tier, from])).toEqual([['raw', fromMicroseconds(START)], ['minute', fromMicroseconds(START)], ['hour', expect.any(String)]])
    expect(report.bytes).toBeGreaterThan(0)
  })

  it('counts what is kept before it is packed, and beside what is', async () => {
    const empty = await site.history.storage()
    expect(empty).toMatchObject({ devices: 0, series: 0, messages: 0, metrics: [] })
    expect(empty.tiers.map(({ bytes, from }) => [bytes, from])).toEqual([[0, null], [0, null], [0, null]])

    for (let n = 0; n < 10; n++) append(site.history, telemetry(START + (n + 1) * SECOND, { noisy: Math.sin(n), note: 'ä'.repeat(200) }))
    append(site.history, telemetry(START, { x: 1 }, 'tor-2'))
    await kept(site.history)
    const fresh = await site.history.storage()
    expect(fresh).toMatchObject({ devices: 2, series: 3, messages: 11 })
    expect(fresh.tiers.map(({ from }) => from)).toEqual([fromMicroseconds(START), fromMicroseconds(START), expect.any(String)])
    expect(fresh.tiers.map(({ bytesPerDay }) => bytesPerDay)).toEqual([null, null, null])
    expect(fresh.tiers[0]?.bytes).toBeGreaterThan(4_000)
    expect(fresh.metrics.map(({ deviceId, metric }) => `${deviceId} ${metric}`)).toEqual(['tor-1 note', 'tor-1 noisy', 'tor-2 x'])
    const ofMetrics = fresh.metrics.reduce((sum, { bytes }) => sum + bytes, 0)
    expect(Math.abs(ofMetrics - (fresh.tiers[0]?.bytes ?? 0))).toBeLessThan(3)

    await site.history.packAll()
    await site.history.maintain()
    const packed = await site.history.storage()
    expect(packed.tiers.map(({ from }) => from)).toEqual(fresh.tiers.map(({ from }) => from))
    append(site.history, telemetry(START - DAY, { noisy: 1, other: true }))
    await kept(site.history)
    for (const opens of [false, true]) {
      if (opens) await site.reopen()
      const both = await site.history.storage()
      expect(both).toMatchObject({ messages: 12, series: 4 })
      expect(both.tiers[0]).toMatchObject({ from: fromMicroseconds(START - DAY) })
      expect(both.tiers[0]?.bytes).toBeGreaterThan(packed.tiers[0]?.bytes ?? 0)
    }
  })
}
