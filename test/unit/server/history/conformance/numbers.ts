import { describe, expect, it } from 'vitest'
import { HistoryAnswerSchema } from '#shared/schemas/history'
import type { HistoryAnswer } from '#shared/schemas/history'
import type { Telemetry } from '#shared/schemas/telemetry'
import { csvText } from '#shared/text/spreadsheet'
import { exportLines } from '../../../../../server/leitstand/export'
import { fromStored } from '../../../../../server/history/engine/records'
import { append, DAY, HOUR, kept, samples, SECOND, START, telemetry, useSite } from './site'
import type { PlaceMaker } from './site'

const MINUTE = 60 * SECOND
const LARGE = '9007199254740993'
const LARGER = '123456789012345678901234567890'
const SMALL = '-9223372036854775807'
/** So long a range is read from the hours. */
const WEEKS = 21 * DAY

const ms = (time: number) => time / 1_000
const nothing = (time: number, ...absent: string[]): Telemetry => ({ ...telemetry(time, {}), absent })
const large = (time: number, x: string): Telemetry => ({ ...telemetry(time, { x }), exact: ['x'] })

/** Values that no double keeps, values that are none, and what charts make of both. */
export function conformsInNumbers(make: PlaceMaker) {
  const site = useSite(make)
  const ask = async (metric: string, from: number, to: number, points: number): Promise<HistoryAnswer> => {
    const answer = await site.history.thinned({ deviceId: 'tor-1', metric, unit: null, from, to }, points)
    // As it goes over the wire: nothing that is no number may stand where a number should.
    expect(HistoryAnswerSchema.parse(JSON.parse(JSON.stringify(answer)))).toEqual(answer)
    return answer
  }

  /** The same is expected before and after packing, and after opening again. */
  async function always(messages: readonly Telemetry[], check: () => Promise<void>) {
    for (const message of messages) append(site.history, message)
    await kept(site.history)
    await check()
    await site.history.packAll()
    await check()
    await site.reopen()
    await check()
  }

  async function exported(format: 'csv' | 'jsonl'): Promise<string> {
    const { lines } = await exportLines(site.history, { get: deviceId => ({ deviceId }) }, 'tor-1', {
      format, zone: 'UTC', from: START, to: START + DAY,
    })
    let text = ''
    for await (const line of lines) text += line
    return text
  }

  it('whole numbers of any length keep their digits', async () => {
    const messages = [large(START, LARGE), telemetry(START + SECOND, { x: 7 }), large(START + 2 * SECOND, LARGER), large(START + 3 * SECOND, SMALL), { ...telemetry(START + 4 * SECOND, { x: LARGE }) }]
    await always(messages, async () => {
      const answer = await site.history.raw({ deviceId: 'tor-1', metric: 'x', unit: null, from: START, to: START + HOUR }, 100)
      expect(answer).toMatchObject({ exact: [0, 2, 3], points: [[ms(START), LARGE], [ms(START + SECOND), 7], [ms(START + 2 * SECOND), LARGER], [ms(START + 3 * SECOND), SMALL], [ms(START + 4 * SECOND), LARGE]] })
      const found = (await site.history.messagesBefore('tor-1', Infinity, 10)).map(message => fromStored('tor-1', message))
      expect(found).toEqual(messages.toReversed().map(message => ({ ...message })))
      const at = START + 2 * SECOND
      await site.history.reader().devicesAt(at, undefined, (_, { values }) => {
        expect(values.get('x')?.value).toBe(BigInt(LARGER))
      }, () => true)
      expect(await exported('jsonl')).toContain(`"value":"${LARGE}","exact":true}`)
      expect(await exported('csv')).toContain(`,x,,${csvText(LARGER)}\n`)
    })
  })

  it('whole numbers beyond a double are drawn, rounded, and it is said', async () => {
    await always([telemetry(START, { x: 1 }), large(START + MINUTE, LARGE), large(START + 2 * MINUTE, LARGER)], async () => {
      const answer = await ask('x', START, START + 10 * MINUTE, 10)
      expect(answer).toMatchObject({ kind: 'number', rounded: true })
      expect(answer.points).toMatchObject([{ mean: 1 }, { mean: Number(LARGE), last: Number(LARGE), count: 1 }, { max: Number(LARGER) }])
      expect(answer).not.toHaveProperty('skipped')
      expect(await ask('x', START, START + WEEKS, 100)).toMatchObject({ kind: 'number', rounded: true, points: [{ min: 1, max: Number(LARGER), count: 3 }] })
    })
  })

  it('a whole number beyond every double is a text', async () => {
    await always([large(START, '9'.repeat(400))], async () => {
      expect(await ask('x', START, START + HOUR, 60)).toMatchObject({ kind: 'state', points: [{ value: '9'.repeat(400) }] })
    })
  })

  describe('no value', () => {
    it('is a sample of its own, and an empty cell', async () => {
      await always([telemetry(START, { x: 1 }), { ...telemetry(START + SECOND, { door: 'open' }), absent: ['x'] }, nothing(START + 2 * SECOND, 'x', 'door')], async () => {
        expect(await samples(site.history)).toEqual([[START, 1], [START + SECOND, null], [START + 2 * SECOND, null]])
        expect((await exported('csv')).split('\n').toSorted()).toEqual(['', '2026-03-01T00:00:00.000Z,tor-1,tor-1,x,,1', '2026-03-01T00:00:01.000Z,tor-1,tor-1,door,,open', '2026-03-01T00:00:01.000Z,tor-1,tor-1,x,,',
          '2026-03-01T00:00:02.000Z,tor-1,tor-1,door,,', '2026-03-01T00:00:02.000Z,tor-1,tor-1,x,,', 'time,device,name,metric,unit,value'])
        expect(await exported('jsonl')).toContain('"metric":"x","value":null}')
        const [newest] = (await site.history.messagesBefore('tor-1', Infinity, 10)).map(message => fromStored('tor-1', message))
        expect(newest).toEqual(nothing(START + 2 * SECOND, 'x', 'door'))
        await site.history.reader().devicesAt(START + DAY, undefined, (_, { last, values }) => {
          expect(fromStored('tor-1', last)).toEqual(nothing(START + 2 * SECOND, 'x', 'door'))
          expect([...values.values()].map(({ value }) => value)).toEqual([null, null])
        }, () => true)
      })
    })

    it('parts a line of numbers, from messages, minutes and hours', async () => {
      const every = Array.from({ length: 60 }, (_, n) => telemetry(START + n * MINUTE, { x: n }))
      const messages = [...every.slice(0, 20), ...Array.from({ length: 5 }, (_, n) => nothing(START + (20 + n) * MINUTE, 'x')), ...every.slice(25)]
      await always(messages, async () => {
        const raw = await ask('x', START, START + HOUR - 1, 60)
        expect(raw).toMatchObject({ resolution: 'raw', skipped: 5, gaps: [{ from: ms(START + 20 * MINUTE), to: ms(START + 25 * MINUTE) }] })
        expect(raw.points).toHaveLength(55)
        // In one bucket with the numbers around them they part nothing, and are counted all the same.
        const wide = await ask('x', START, START + HOUR - 1, 1)
        expect(wide).toMatchObject({ skipped: 5, points: [{ count: 55 }] })
        expect(wide).not.toHaveProperty('gaps')
        const minutes = await ask('x', START, START + 2 * DAY, 2_880)
        expect(minutes).toMatchObject({ skipped: 5, gaps: [{ from: ms(START + 20 * MINUTE), to: ms(START + 25 * MINUTE) }] })
        expect(await site.history.sparkline('tor-1', 'x', START + HOUR)).toMatchObject({ points: { length: 55 }, gaps: [{ from: ms(START + 20 * MINUTE), to: ms(START + 25 * MINUTE) }] })
      })
    })

    it('parts a line also where the hours are all that is looked at, and is open while nothing follows', async () => {
      await always([telemetry(START, { x: 1 }), nothing(START + HOUR, 'x'), telemetry(START + 3 * HOUR, { x: 3 }), nothing(START + 4 * HOUR, 'x')], async () => {
        expect(await ask('x', START, START + WEEKS, 500)).toMatchObject({
          resolution: 'hour', skipped: 2, points: [{ mean: 1 }, { mean: 3 }], gaps: [{ from: ms(START + HOUR), to: ms(START + 3 * HOUR) }, { from: ms(START + 4 * HOUR), to: null }],
        })
        expect(await ask('x', START, START + 5 * HOUR, 100)).toMatchObject({ resolution: 'raw', gaps: [{}, { from: ms(START + 4 * HOUR), to: null }] })
        expect(await ask('x', START + 4 * HOUR, START + 5 * HOUR, 100)).toMatchObject({ kind: 'number', points: [], gaps: [{ from: ms(START + 4 * HOUR), to: null }] })
      })
    })

    it('within a bucket parts points where it lies between them', async () => {
      const at = (seconds: number) => START + seconds * SECOND
      await always([telemetry(at(0), { x: 1 }), telemetry(at(5), { x: 2 }), nothing(at(12), 'x'), telemetry(at(15), { x: 3 }), nothing(at(16), 'x'), telemetry(at(17), { x: 4 }), telemetry(at(21), { x: 5 })], async () => {
        expect(await ask('x', at(0), at(30), 3)).toMatchObject({ stepSeconds: 10, points: { length: 3 }, gaps: [{ from: ms(at(12)), to: ms(at(15)) }] })
      })
    })

    it('ends what a state was', async () => {
      await always([telemetry(START, { door: 'open' }), nothing(START + HOUR, 'door'), nothing(START + 2 * HOUR, 'door'), telemetry(START + 3 * HOUR, { door: 'open' })], async () => {
        const gaps = [{ from: ms(START + HOUR), to: ms(START + 3 * HOUR) }]
        const points = [{ from: ms(START), to: ms(START + HOUR), value: 'open' }, { from: ms(START + 3 * HOUR), to: ms(START + 4 * HOUR), value: 'open' }]
        expect(await ask('door', START, START + 4 * HOUR, 100)).toMatchObject({ kind: 'state', points, gaps })
        const weeks = await ask('door', START, START + WEEKS, 100)
        expect(weeks).toMatchObject({ kind: 'state', resolution: 'hour', points: [points[0], { ...points[1], to: ms(START + WEEKS) }], gaps })
        // What began before the range is known at its begin.
        expect(await ask('door', START + 2.5 * HOUR, START + 4 * HOUR, 90)).toMatchObject({ kind: 'state', points: [points[1]], gaps: [{ from: ms(START + 2.5 * HOUR), to: ms(START + 3 * HOUR) }] })
      })
    })
  })

  it('a series of numbers and texts draws the numbers, and no line leads over “unavailable”', async () => {
    const values = [20, 21, 'unavailable', 'unavailable', 22, true, 23]
    await always(values.map((x, n) => telemetry(START + n * MINUTE, { x })), async () => {
      for (const answer of [await ask('x', START, START + 10 * MINUTE, 10), await ask('x', START, START + 2 * DAY, 2_880)]) {
        expect(answer).toMatchObject({ kind: 'number', skipped: 3, gaps: [{ from: ms(START + 2 * MINUTE), to: ms(START + 4 * MINUTE) }, { from: ms(START + 5 * MINUTE), to: ms(START + 6 * MINUTE) }] })
        expect(answer.points).toMatchObject([{ mean: 20, count: 1 }, { mean: 21 }, { mean: 22 }, { mean: 23 }])
      }
    })
  })

  it('numbers whose sum is too large to be one have a mean', async () => {
    const messages = [1.7e308, 1.6e308, 1.5e308].map((x, n) => telemetry(START + n * SECOND, { x, y: n === 1 ? -1.7e308 : 1.7e308 }))
    await always([...messages, telemetry(START + DAY, { x: -1.7e308 }), telemetry(START + DAY + SECOND, { x: -1.7e308 })], async () => {
      for (const to of [START + 10 * SECOND, START + DAY / 2, START + 20 * HOUR]) {
        const answer = await ask('x', START, to, 1)
        expect(answer.points).toMatchObject([{ min: 1.5e308, max: 1.7e308, count: 3, mean: expect.closeTo(1.6e308, -300) }])
        expect(answer).not.toHaveProperty('skipped')
      }
      expect((await ask('y', START, START + HOUR, 1)).points).toMatchObject([{ min: -1.7e308, max: 1.7e308, mean: expect.closeTo(1.7e308 / 3, -300) }])
      expect((await ask('x', START, START + WEEKS, 1)).points).toMatchObject([{ count: 5, mean: expect.closeTo(0.28e308, -300) }])
      expect((await site.history.sparkline('tor-1', 'x', START + HOUR)).points).toMatchObject([[ms(START), expect.closeTo(1.6e308, -300)]])
    })
  })
}
