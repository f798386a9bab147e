import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StreamEventSchema } from '#shared/schemas/events'
import type { StreamEvent } from '#shared/schemas/events'
import type { Telemetry } from '#shared/schemas/telemetry'
import { scopeOfGroups } from '#shared/device/device-scope'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { History } from '../../../../server/history/contract'
import { createHistory } from '../../../../server/history/sqlite/history'
import { WEBSOCKET } from '../../../../server/stream/frames'
import type { Grouping } from '../../../../server/stream/subscription-filter'
import type { StreamOptions } from '../../../../server/stream/channel'
import type { StreamClient } from '../../../../server/stream/subscriber'
import { createReplays } from '../../../../server/replay/replays'
import type { Replays, ReplaysOptions } from '../../../../server/replay/replays'
import { createReader } from '../stream/frames'

const START = Date.parse('2026-03-01T00:00:00Z')
const BATCHES: StreamOptions = {
  extended: true,
  mode: 'every',
  everyMs: 50,
  devices: undefined,
  groups: undefined,
  deviceScope: undefined,
}
const GROUPING: Grouping = { groupOf: () => undefined, members: group => new Set(group === 'north' ? ['tor-1'] : []), labelsOf: () => ({}), within: () => undefined }
const iso = (seconds: number) => new Date(START + seconds * 1_000).toISOString()
const at = (seconds: number) => (START + seconds * 1_000) * 1_000

let folder: string
let history: History
let replays: Replays
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leitstand-replay-'))
  history = createHistory({
    file: join(folder, 'history.db'), durability: 'normal', unacknowledged: 100, stateOf: () => '{}', onFault: () => {}, onDamaged: () => {},
    retention: { rawDays: 0, minuteDays: 0, hourDays: 0, bytes: 1e9 },
    onOpen: restored => void [...restored.records],
  })
  history.open()
  replays = newReplays()
})
afterEach(() => {
  replays.stop()
  history.close()
  rmSync(folder, { recursive: true })
})

function newReplays(given: Partial<ReplaysOptions> = {}) {
  return createReplays({
    past: () => history.reader(), faultOf: () =>
      Promise.resolve(undefined), mostReplays: 3, most: 20, bufferBytes: 100,
    now: () => undefined, intervalOf: () => undefined, grouping: GROUPING, broker: () => BROKER, ...given,
  })
}
const BROKER = JSON.stringify({ code: 'connected', reason: 'Connected.', url: '', embedded: false, protocol: null, since: iso(0), attempts: 0, granted: [], refused: [] })

/** Messages of some devices in turn, one every few seconds; half of them packed. */
function store(count: number, devices = 3, everySeconds = 2): Telemetry[] {
  const messages = Array.from({ length: count }, (_, n): Telemetry => ({ deviceId: `tor-${n % devices}`, ts: iso(n * everySeconds), metrics: { n }, receivedAt: iso(n * everySeconds) }))
  for (const [i, value] of messages.entries()) {
    const body = JSON.stringify(value)
    history.append({ kind: 'telemetry', value, body, delivery: { packetId: i % 60_000 + 1, topic: value.deviceId, payload: Buffer.from(body), redelivered: false } })
    if (i === count >> 1) {
      history.commit()
      history.packAll()
    }
  }
  history.commit()
  return messages
}

function createClient(id = 'a') {
  const events: StreamEvent[] = []
  const closed: number[] = []
  const read = createReader()
  let buffered = 0
  let looks = 0
  const client: StreamClient = {
    id,
    address: '127.0.0.1',
    framing: WEBSOCKET,
    write: bytes => void events.push(...read(bytes).map(text => StreamEventSchema.parse(JSON.parse(text)))),
    close: code => void closed.push(code),
    bufferedBytes() {
      looks++
      return buffered
    },
    receivedBytes: () => undefined,
  }
  return {
    client, events, closed,
    stall: (bytes: number) => { buffered = bytes },
    looks: () => looks,
    told: () => events.flatMap(event => event.type === 'batch' ? event.data : event.type === 'telemetry' ? event.data : []),
    until: <T extends StreamEvent['type']>(type: T) => vi.waitFor(() => {
      const found = events.find((event): event is Extract<StreamEvent, { type: T }> => event.type === type)
      if (!found) throw new Error(`no ${type} yet`)
      return found
    }),
  }
}

describe('a replay', () => {
  it('tells every stored message in order, holding few of them', async () => {
    const messages = store(400)
    const { client, told } = createClient()
    replays.add(client, BATCHES, { at: at(-1), speed: 600 })
    await vi.waitFor(() => expect(told()).toHaveLength(400))
    expect(told()).toEqual(messages)
  })

  it('waits for a client that does not read, and leaves nothing out', async () => {
    const messages = store(400)
    const { client, told, stall, looks, until, events } = createClient()
    stall(101)
    replays.add(client, BATCHES, { at: at(-1), speed: 600 })
    await until('clock')
    await vi.waitFor(() => expect(looks()).toBeGreaterThan(10))
    expect(events.map(({ type }) => type)).toEqual(['snapshot', 'broker', 'clock'])
    stall(0)
    await vi.waitFor(() => expect(told()).toHaveLength(400))
    expect(told()).toEqual(messages)
  })

  it('tells who was silent then, and who falls silent', async () => {
    store(60, 1, 10)
    const { client, until, events } = createClient()
    replays.add(client, BATCHES, { at: at(600), speed: 0 })
    expect((await until('snapshot')).data).toMatchObject([{ presence: 'live', intervalSeconds: 10, silentAfterSeconds: 27.5, lastSeen: iso(590) }])
    replays.request('a', { type: 'play', speed: 600 })
    await vi.waitFor(() => expect(events.flatMap(event => event.type === 'presence' ? event.data.presence : [])).toContain('silent'))
    replays.request('a', { type: 'pause' })
    events.length = 0
    replays.request('a', { type: 'seek', at: iso(700) })
    expect((await until('snapshot')).data).toMatchObject([{ presence: 'silent', presenceSince: iso(617.5) }])
  })

  it('says what cannot be shown, and goes on when asked for something else', async () => {
    replays = newReplays({ faultOf: moment => Promise.resolve(moment < at(0) ? { code: 'at-too-early', message: 'Too early.' } : undefined) })
    store(10)
    const { client, events, until } = createClient()
    replays.add(client, BATCHES, { at: at(-5), speed: 1 })
    expect((await until('error')).data.code).toBe('at-too-early')
    replays.request('a', { type: 'step' })
    replays.request('a', { type: 'play', speed: 1 })
    replays.request('a', { type: 'subscribe', devices: null })
    expect((await until('states')).data).toEqual([])
    expect(events.map(({ type }) => type)).toEqual(['error', 'subscribed', 'states'])
    replays.request('a', { type: 'seek', at: iso(5) })
    expect((await until('snapshot')).data.map(({ deviceId }) => deviceId)).toEqual(['tor-0', 'tor-1', 'tor-2'])
  })

  it('follows whoever is in a group today', async () => {
    store(10)
    const { client, until } = createClient()
    replays.add(client, { ...BATCHES, groups: new Set(['north']) }, { at: at(5), speed: 0 })
    expect((await until('snapshot')).data.map(({ deviceId }) => deviceId)).toEqual(['tor-1'])
    replays.request('a', { type: 'subscribe', groups: ['north', 'south'] })
    expect((await until('subscribed')).data).toEqual({ devices: 1, groups: 2 })
    expect((await until('states')).data.map(({ deviceId }) => deviceId)).toEqual(['tor-1'])
  })

  it('shows somebody who may see some groups only their devices, and follows them as they come and go', async () => {
    const north = new Set(['tor-1'])
    replays = newReplays({ grouping: { ...GROUPING, labelsOf: deviceId => ({ group: north.has(deviceId) ? 'north' : 'south' }), within: () => new Set(north) } })
    store(400)
    const { client, events, told, until } = createClient()
    replays.add(client, { ...BATCHES, deviceScope: scopeOfGroups(['north']) }, { at: at(5), speed: 600 })
    expect((await until('snapshot')).data.map(({ deviceId }) => deviceId)).toEqual(['tor-1'])
    replays.request('a', { type: 'subscribe', devices: ['tor-0', 'tor-1'] })
    expect((await until('subscribed')).data).toEqual({ devices: 1 })
    replays.request('a', { type: 'subscribe', devices: null })
    await vi.waitFor(() => expect(told().length).toBeGreaterThan(10))
    expect(JSON.stringify(events)).not.toMatch(/tor-[02]/)
    north.clear()
    north.add('tor-2')
    const before = events.length
    replays.reconsider()
    await vi.waitFor(() => expect(JSON.stringify(events.slice(before))).toContain('"batch"'))
    expect(events[before]).toEqual({ type: 'withdrawn', data: { deviceId: 'tor-1' } })
    expect(JSON.stringify(events.slice(before + 1))).not.toMatch(/tor-[01]/)
  })

  it('answers the last of many jumps', async () => {
    store(400)
    const { client, events, until } = createClient()
    replays.add(client, BATCHES, { at: at(0), speed: 0 })
    for (let second = 1; second <= 200; second++) replays.request('a', { type: 'seek', at: iso(second) })
    await until('clock')
    await vi.waitFor(() => expect(events.findLast(({ type }) => type === 'clock')).toMatchObject({ data: { at: iso(200) } }))
    expect(events.filter(({ type }) => type === 'snapshot').length).toBeLessThan(5)
  })

  it('lets few requests wait', async () => {
    store(10)
    const { client, until } = createClient()
    replays.add(client, BATCHES, { at: at(0), speed: 0 })
    for (let i = 0; i < 16; i++) replays.request('a', { type: 'pause' })
    expect((await until('error')).data.code).toBe('request-refused')
  })

  it('ends with an error of its own when the history can no longer be read', async () => {
    store(400)
    const { client, closed, until } = createClient()
    replays.add(client, BATCHES, { at: at(0), speed: 1 })
    await until('clock')
    history.close()
    replays.request('a', { type: 'seek', at: iso(9) })
    await vi.waitFor(() => expect(closed).toEqual([1011]))
    expect(replays.size()).toBe(0)
  })
})

describe('replays', () => {
  it('are not more than allowed, questions included, and end with the server', async () => {
    store(10)
    const clients = ['a', 'b', 'c', 'd'].map(createClient)
    for (const { client } of clients) replays.add(client, BATCHES, { at: at(0), speed: 0 })
    expect(clients[3]?.events).toMatchObject([{ type: 'error', data: { code: 'replays-busy' } }])
    expect(clients[3]?.closed).toEqual([1013])
    expect(await replays.devicesAt(at(5))).toBeUndefined()
    replays.remove('a')
    expect(await replays.devicesAt(at(5), ['tor-1'])).toMatchObject([{ deviceId: 'tor-1', values: { n: { value: 1, ts: iso(2) } } }])
    replays.stop()
    expect(clients.map(({ closed }) => closed)).toEqual([[], [1012], [1012], [1013]])
  })
})
