import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { DeviceListSchema, DevicesQuerySchema } from '#shared/schemas/device'
import { createDeviceList, MIN_COMPRESSED_BYTES } from '../../../../server/fleet/device-list'
import type { DeviceListAnswer } from '../../../../server/fleet/device-list'
import { createSnapshot } from '../../../../server/fleet/snapshot'
import { fleetOf, status, telemetry } from './support'

const bytesOf = ({ pieces }: DeviceListAnswer) => Buffer.concat(pieces)
const devicesOf = (answer: DeviceListAnswer) => DeviceListSchema.parse(JSON.parse(bytesOf(answer).toString()))
const namesOf = (answer: DeviceListAnswer) => devicesOf(answer).map(({ deviceId }) => deviceId)

function createSite(devices: number) {
  const fleet = fleetOf(devices)
  const list = createDeviceList(fleet, createSnapshot(fleet))
  return { fleet, list, ask: (query: object = {}) => list.answer(DevicesQuerySchema.parse(query), undefined) }
}

/** Every page from the first to the last; `between` happens after each. */
async function pagesOf(ask: (query: object) => Promise<DeviceListAnswer>, query: object, between: (page: number) => void = () => {}) {
  const pages: string[][] = []
  let cursor: string | undefined
  do {
    const answer = await ask({ ...query, ...(cursor && { cursor }) })
    pages.push(namesOf(answer))
    cursor = answer.next
    between(pages.length)
  } while (cursor)
  return pages
}

describe('the list of devices', () => {
  it('is every device in the order they came', async () => {
    const { fleet, ask } = createSite(100)
    const answer = await ask()
    expect(bytesOf(answer).toString()).toBe(JSON.stringify(fleet.all()))
    expect(answer).toMatchObject({ bytes: bytesOf(answer).length, revision: fleet.revision(), encoding: undefined, next: undefined })
  })

  it('comes in pages sorted by code unit, each device once', async () => {
    const { fleet, ask } = createSite(150)
    for (const name of ['Ä', 'a', 'Z', '🚪', '\uFFFD', '']) fleet.applyTelemetry(telemetry(name, { n: 1 }), 10)
    const pages = await pagesOf(ask, { limit: 50 })
    expect(pages.map(({ length }) => length)).toEqual([50, 50, 50, 6])
    expect(pages.flat()).toEqual(fleet.all().map(({ deviceId }) => deviceId).sort())
  })

  it('ends with a full page when nothing is left', async () => {
    const { ask } = createSite(100)
    expect((await pagesOf(ask, { limit: 50 })).map(({ length }) => length)).toEqual([50, 50])
  })

  it('leaves out and repeats no device while others come, and finds those', async () => {
    const { fleet, ask } = createSite(100)
    const before = fleet.all().map(({ deviceId }) => deviceId)
    const names = (await pagesOf(ask, { limit: 7 }, (page) => {
      for (const side of ['a', 'd-5', 'z']) fleet.applyTelemetry(telemetry(`${side}-${page}`, { n: page }), 10)
    })).flat()
    expect(names).toEqual([...new Set(names)].sort())
    expect(before.filter(name => !names.includes(name))).toEqual([])
    // What came behind the page that was being read is met in time.
    expect(names.filter(name => name.startsWith('z')).slice(0, 2)).toEqual(['z-1', 'z-10'])
  })

  it('goes on behind a cursor whose device it does not know', async () => {
    const { ask } = createSite(5)
    expect(namesOf(await ask({ cursor: Buffer.from('d-2x').toString('base64url') }))).toEqual(['d-3', 'd-4'])
  })

  it('finds deviceId, metric names, values and status, whatever their case, by all words', async () => {
    const { fleet, ask } = createSite(20)
    fleet.applyTelemetry(telemetry('Tür-Süd', { doorState: 'Klemmt', tempC: 22.5, locked: true }), 10)
    fleet.applyStatus(status('d-7', 'Wartung'), 10)
    for (const q of ['TÜR', 'doorstate', 'klemmt', '22.5', ' tür  true ']) expect(namesOf(await ask({ q })), q).toEqual(['Tür-Süd'])
    expect(namesOf(await ask({ q: 'wartung' }))).toEqual(['d-7'])
    for (const q of ['klemmt wartung', 'receivedAt', '2026']) expect(namesOf(await ask({ q })), q).toEqual([])
    expect(namesOf(await ask({ q: ' ' }))).toHaveLength(21)
  })

  it('comes in pages of what was found, too', async () => {
    const { ask } = createSite(3_000)
    const pages = await pagesOf(ask, { q: 'd-1', limit: 500 })
    expect(pages.map(({ length }) => length)).toEqual([500, 500, 111])
    expect(pages.flat().every(name => name.startsWith('d-1'))).toBe(true)
  })

  it('has only the fields that were chosen, and the name', async () => {
    const { fleet, ask } = createSite(2)
    const [device] = fleet.all()
    expect(devicesOf(await ask({ fields: 'values, clock' }))[0]).toEqual({ deviceId: 'd-0', values: device?.values, clock: 'ok' })
    expect(devicesOf(await ask({ fields: 'deviceId' }))).toEqual([{ deviceId: 'd-0' }, { deviceId: 'd-1' }])
  })

  it('lets messages in while it searches many devices', async () => {
    const { fleet, ask } = createSite(5_000)
    const message = () => fleet.applyTelemetry(telemetry('d-0', { n: 'between' }), 10)
    let turns = 0
    let pending = setImmediate(function again() {
      turns++
      message()
      pending = setImmediate(again)
    })
    const before = fleet.revision()
    const { revision } = await ask({ q: 'nothing' })
    clearImmediate(pending)
    expect(turns).toBeGreaterThan(2)
    // What changed meanwhile may be missing: the answer must not pass for a newer one.
    expect(revision).toBe(before)
  })
})

describe('compressed', () => {
  const decompress = { br: brotliDecompressSync, gzip: gunzipSync }

  it.for(['br', 'gzip'] as const)('holds the same as %s', async (encoding) => {
    const { fleet, list } = createSite(100)
    for (const query of [{}, { limit: 50 }]) {
      const [plain, packed] = [await list.answer(query, undefined), await list.answer(query, encoding)]
      expect(packed).toMatchObject({ encoding, next: plain.next, revision: fleet.revision(), bytes: bytesOf(packed).length })
      expect(decompress[encoding](bytesOf(packed))).toEqual(bytesOf(plain))
    }
  })

  it('is made once while nothing changes, and anew after a change', async () => {
    const { fleet, list } = createSite(100)
    const first = await list.answer({}, 'br')
    expect(await list.answer({}, 'br')).toBe(first)
    fleet.applyTelemetry(telemetry('d-1', { n: 'changed' }), 10)
    const second = await list.answer({}, 'br')
    expect(second.revision).toBe(fleet.revision())
    expect(brotliDecompressSync(bytesOf(second)).toString()).toBe(JSON.stringify(fleet.all()))
  })

  it('is not done to what is small', async () => {
    const small = createSite(1)
    const answer = await small.list.answer({}, 'gzip')
    expect(answer.bytes).toBeLessThan(MIN_COMPRESSED_BYTES)
    expect(answer.encoding).toBeUndefined()
  })
})

describe('many questions at once', () => {
  it('are each answered with what the fleet was when they came, or later', async () => {
    const { fleet, list } = createSite(200)
    const asked = Array.from({ length: 20 }, async (_, n) => {
      await new Promise(resolve => setImmediate(resolve))
      fleet.applyTelemetry(telemetry(`d-${n}`, { n: `now ${n}` }), 10)
      const answer = await list.answer({}, 'gzip')
      return gunzipSync(bytesOf(answer)).includes(`now ${n}`)
    })
    expect(await Promise.all(asked)).not.toContain(false)
  })
})
