import { StreamEventSchema } from '#shared/schemas/events'
import type { StreamEvent } from '#shared/schemas/events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isEndless, isWithin, scopeOfGroups } from '#shared/device/device-scope'
import { WEBSOCKET } from '../../../../server/stream/frames'
import { createHub } from '../../../../server/stream/hub'
import type { HubOptions } from '../../../../server/stream/hub'
import type { StreamOptions } from '../../../../server/stream/channel'
import type { StreamClient } from '../../../../server/stream/subscriber'
import { createReader } from './frames'

const PLAIN: StreamOptions = {
  extended: false,
  mode: 'every',
  everyMs: 0,
  devices: undefined,
  groups: undefined,
  deviceScope: undefined,
}
const EXTENDED: StreamOptions = { ...PLAIN, extended: true }
const NOON = '2026-01-01T12:00:00.000Z'
const BROKER = JSON.stringify({
  code: 'connected', reason: 'Connected.', url: '', embedded: false, protocol: null, since: NOON, attempts: 0, granted: [], refused: [],
})

/** A client that remembers; `stall(bytes)` says what has not left its socket. */
function createClient(id: string, given: Partial<StreamClient> = {}) {
  const events: StreamEvent[] = []
  const writes: number[] = []
  const closed: number[] = []
  const read = createReader()
  let buffered = 0
  let heard = 0
  const client: StreamClient = {
    id,
    address: '127.0.0.1',
    framing: WEBSOCKET,
    write(bytes) {
      const texts = read(bytes)
      events.push(...texts.map(text => StreamEventSchema.parse(JSON.parse(text))))
      writes.push(texts.length)
    },
    close: code => void closed.push(code),
    bufferedBytes: () => buffered,
    receivedBytes: () => heard,
    ...given,
  }
  return {
    client, events, writes, closed,
    stall: (bytes: number) => { buffered = bytes },
    answer: () => void heard++,
    types: () => events.map(({ type }) => type),
    numbers: () => events.flatMap(event => event.type === 'telemetry' ? event.data.metrics.n : event.type === 'batch' ? event.data.map(({ metrics }) => metrics.n) : []),
  }
}

/** The end of the event-loop turn, with which events leave. */
const turnEnd = () => new Promise(resolve => setImmediate(resolve))

const telemetry = (deviceId: string, n: number) => ({ deviceId, ts: NOON, receivedAt: NOON, metrics: { n } })

function newHub(given: Partial<HubOptions> = {}) {
  const fleet = new Map<string, number>()
  const groups = new Map<string, string>()
  const labelsOf = (deviceId: string) => ({ group: groups.get(deviceId) })
  const stateOf = (deviceId: string) => {
    const n = fleet.get(deviceId) ?? 0
    return { deviceId, lastSeen: NOON, lastTelemetry: telemetry(deviceId, n), values: { n: { value: n, ts: NOON } }, state: null, clock: 'ok' }
  }
  const hub = createHub({
    maxClients: 10,
    maxClientsPerAddress: 10,
    maxBufferedBytes: 100,
    maxWaitingBytes: 1e6,
    stuckMs: 1_000,
    logBudget: 100_000,
    broker: () => BROKER,
    grouping: {
      groupOf: deviceId => groups.get(deviceId),
      members: group => new Set([...groups].flatMap(([deviceId, name]) => name === group ? deviceId : [])),
      labelsOf,
      within: reach => isEndless(reach) ? undefined : new Set([...groups.keys()].filter(deviceId => isWithin(reach, deviceId, labelsOf(deviceId)))),
    },
    states: {
      all: () => Buffer.from(JSON.stringify([...fleet.keys()].map(stateOf))),
      of: deviceIds => JSON.stringify([...deviceIds].filter(deviceId => fleet.has(deviceId)).map(stateOf)),
      latest: deviceId => [{ type: 'telemetry', data: JSON.stringify(telemetry(deviceId, fleet.get(deviceId) ?? 0)) }],
    },
    ...given,
  })
  function publish(deviceId: string, n: number) {
    fleet.set(deviceId, n)
    hub.publish('telemetry', deviceId, JSON.stringify(telemetry(deviceId, n)))
  }
  function regroup(deviceId: string, group: string) {
    const from = labelsOf(deviceId)
    groups.set(deviceId, group)
    hub.publish('device', deviceId, JSON.stringify({ deviceId, group }), { from, to: { group } })
  }
  return { hub, publish, regroup }
}

describe('hub', () => {
  it('greets with the snapshot, then sends every event, as the seed describes them', async () => {
    const { hub, publish } = newHub()
    const { client, events } = createClient('a')
    hub.add(client, PLAIN)
    publish('tor-1', 1)
    await turnEnd()
    expect(events).toEqual([{ type: 'snapshot', data: [] }, { type: 'broker', data: JSON.parse(BROKER) }, { type: 'telemetry', data: telemetry('tor-1', 1) }])
  })

  it('sends nothing to a client that left', async () => {
    const { hub, publish } = newHub()
    const { client, events } = createClient('a')
    hub.add(client, PLAIN)
    hub.remove('a')
    publish('tor-1', 1)
    await turnEnd()
    expect(events).toHaveLength(2)
    expect(hub.size()).toBe(0)
  })

  it('lets the events of one turn leave in one write', async () => {
    const { hub, publish } = newHub()
    const { client, writes } = createClient('a')
    hub.add(client, PLAIN)
    writes.length = 0
    for (let n = 0; n < 3; n++) publish('tor-1', n)
    await turnEnd()
    publish('tor-1', 3)
    await turnEnd()
    expect(writes).toEqual([3, 1])
  })

  it('does not repeat after the snapshot what the snapshot holds', async () => {
    const { hub, publish } = newHub()
    hub.add(createClient('a').client, PLAIN)
    publish('tor-1', 1)
    const late = createClient('b')
    hub.add(late.client, PLAIN)
    await turnEnd()
    expect(late.types()).toEqual(['snapshot', 'broker'])
    expect(late.events[0]).toMatchObject({ data: [{ deviceId: 'tor-1' }] })
  })

  it('goes on when a client fails', async () => {
    const { hub, publish } = newHub()
    const good = createClient('good')
    const fail = () => { throw new Error('gone') }
    hub.add(createClient('bad', { write: fail, close: fail }).client, PLAIN)
    hub.add(good.client, PLAIN)
    publish('tor-1', 1)
    await turnEnd()
    expect(good.numbers()).toEqual([1])
    expect(hub.size()).toBe(1)
    expect(hub.counts().givenUp).toEqual({ stuck: 0, unanswered: 0, failed: 1 })
  })

  it('counts what it tells, once for each client', async () => {
    const { hub, publish } = newHub()
    for (const id of ['a', 'b', 'c']) hub.add(createClient(id).client, PLAIN)
    publish('tor-1', 1)
    publish('tor-1', 2)
    await turnEnd()
    expect(hub.counts()).toMatchObject({ published: 2, delivered: 6, coalesced: 0, slowClients: 0, waitingBytes: 0 })
  })

  it('turns clients away beyond its limits, in all and of one address', () => {
    const { hub } = newHub({ maxClients: 3, maxClientsPerAddress: 2 })
    const clients = ['a', 'b', 'c', 'd', 'e'].map((id, i) => createClient(id, { address: i < 3 ? 'here' : 'there' }))
    for (const { client } of clients) hub.add(client, PLAIN)
    expect(clients.map(({ closed }) => closed)).toEqual([[], [], [1013], [], [1013]])
    hub.remove('a')
    const again = createClient('f', { address: 'here' })
    hub.add(again.client, PLAIN)
    expect(again.closed).toEqual([])
  })

  it('tells everybody when it stops, after what was still to be said', () => {
    const { hub, publish } = newHub()
    const { client, closed, numbers } = createClient('a')
    hub.add(client, { ...EXTENDED, everyMs: 1_000 })
    publish('tor-1', 1)
    hub.stop()
    expect(numbers()).toEqual([1])
    expect(closed).toEqual([1012])
    expect(hub.size()).toBe(0)
  })
})

describe('resuming', () => {
  const idOf = (event: StreamEvent | undefined) => event && 'id' in event ? event.id : undefined

  it('gives exactly what was missed', async () => {
    const { hub, publish } = newHub()
    const first = createClient('a')
    hub.add(first.client, EXTENDED)
    for (let n = 0; n < 5; n++) publish('tor-1', n)
    await turnEnd()
    hub.remove('a')
    for (let n = 5; n < 8; n++) publish('tor-1', n)
    const second = createClient('b')
    hub.add(second.client, EXTENDED, idOf(first.events.at(-1)))
    publish('tor-1', 8)
    await turnEnd()
    expect(second.events[0]).toMatchObject({ type: 'resumed', data: { missed: 3 } })
    expect(second.numbers()).toEqual([5, 6, 7, 8])
  })

  it('gives a snapshot and says why, when events are forgotten or from before a restart', () => {
    const { hub, publish } = newHub({ logBudget: 500 })
    const first = createClient('a')
    hub.add(first.client, EXTENDED)
    for (let n = 0; n < 50; n++) publish('tor-1', n)
    for (const [after, reason] of [[idOf(first.events[0]), 'too-old'], ['other.3', 'restarted'], ['nonsense', 'restarted']]) {
      const late = createClient(`late-${after}`)
      hub.add(late.client, EXTENDED, after)
      expect(late.events[0]).toMatchObject({ type: 'snapshot', reason, data: [{ deviceId: 'tor-1' }] })
    }
  })

  it('has no gap and no repetition, whenever a client leaves and comes back', async () => {
    const { hub, publish } = newHub()
    const seen: unknown[] = []
    let after: string | undefined
    let sent = 0
    for (let round = 0; round < 40; round++) {
      const { client, events, numbers } = createClient(`c-${round}`)
      hub.add(client, { ...EXTENDED, everyMs: round % 3 === 0 ? 0 : 1 }, after)
      for (let i = 0; i < round % 7; i++) publish('tor-1', sent++)
      if (round % 2 === 0) await turnEnd()
      if (round % 5 === 0) await new Promise(resolve => setTimeout(resolve, 3))
      hub.remove(client.id)
      for (let i = 0; i < round % 3; i++) publish('tor-1', sent++)
      seen.push(...numbers())
      after = events.map(idOf).findLast(id => id !== undefined) ?? after
    }
    const last = createClient('last')
    hub.add(last.client, EXTENDED, after)
    expect([...seen, ...last.numbers()]).toEqual(Array.from({ length: sent }, (_, n) => n))
  })
})

describe('what a client asks for', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] }))
  afterEach(() => void vi.useRealTimers())

  it('batches: all events, in one frame per interval, and others between them in their place', async () => {
    const { hub, publish } = newHub({ maxBufferedBytes: 1e6 })
    const { client, events, numbers } = createClient('a')
    hub.add(client, { ...EXTENDED, everyMs: 100 })
    for (let n = 0; n < 10; n++) {
      publish('tor-1', n)
      if (n === 4) hub.publish('state', 'tor-1', JSON.stringify({ deviceId: 'tor-1', status: 'open', updatedAt: NOON, receivedAt: NOON }))
      await turnEnd()
    }
    expect(numbers()).toEqual([])
    vi.advanceTimersByTime(100)
    expect(numbers()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(events.slice(2).map(({ type }) => type)).toEqual(['batch', 'state', 'batch'])
  })

  it('latest: says how far it tells only when everything of that is told', async () => {
    const { hub, publish } = newHub()
    const { client, events } = createClient('a')
    hub.add(client, { ...EXTENDED, mode: 'latest', everyMs: 250 })
    const before = events.length
    publish('d-1', 1)
    hub.publish('broker', undefined, BROKER)
    await turnEnd()
    const told = events.slice(before).map(event => ({ type: event.type, hasId: 'id' in event && event.id !== undefined }))
    // Whoever goes on behind the id of the first of the two would miss the second.
    expect(told).toEqual([{ type: 'states', hasId: false }, { type: 'broker', hasId: true }])
  })

  it('latest: the state of what changed, at once and then at most so often', async () => {
    const { hub, publish } = newHub({ maxBufferedBytes: 1e6 })
    const { client, events } = createClient('a')
    hub.add(client, { ...EXTENDED, mode: 'latest', everyMs: 250 })
    for (let n = 0; n < 99; n++) {
      publish(`tor-${n % 3}`, n)
      await turnEnd()
      vi.advanceTimersByTime(10)
    }
    const states = events.filter(event => event.type === 'states')
    expect(states).toHaveLength(4)
    vi.advanceTimersByTime(250)
    expect(events.at(-1)).toMatchObject({ type: 'states', data: expect.arrayContaining([expect.objectContaining({ deviceId: 'tor-2', values: { n: { value: 98, ts: NOON } } })]) })
  })

  it('only some devices, changed at any time', async () => {
    const { hub, publish } = newHub({ maxBufferedBytes: 1e6 })
    publish('tor-1', 1)
    publish('tor-2', 2)
    const { client, events, numbers } = createClient('a')
    hub.add(client, { ...EXTENDED, devices: new Set(['tor-1']) })
    expect(events[0]).toMatchObject({ type: 'snapshot', data: [{ deviceId: 'tor-1' }] })
    publish('tor-1', 3)
    publish('tor-2', 4)
    await turnEnd()
    expect(numbers()).toEqual([3])
    hub.request('a', { type: 'subscribe', devices: ['tor-2'] })
    expect(events.slice(-2)).toMatchObject([{ type: 'subscribed', data: { devices: 1 } }, { type: 'states', data: [{ deviceId: 'tor-2', values: { n: { value: 4 } } }] }])
    publish('tor-1', 5)
    publish('tor-2', 6)
    await turnEnd()
    expect(numbers()).toEqual([3, 6])
    hub.request('a', { type: 'subscribe', devices: null })
    publish('tor-1', 7)
    await turnEnd()
    expect(numbers()).toEqual([3, 6, 7])
  })

  it('only the devices of a group, whoever joins and leaves it', async () => {
    const { hub, publish, regroup } = newHub({ maxBufferedBytes: 1e6 })
    regroup('tor-1', 'gates')
    publish('tor-1', 1)
    publish('tor-2', 2)
    const { client, events, numbers, types } = createClient('a')
    hub.add(client, { ...EXTENDED, groups: new Set(['gates']) })
    expect(events[0]).toMatchObject({ type: 'snapshot', data: [{ deviceId: 'tor-1' }] })
    publish('tor-1', 3)
    publish('tor-2', 4)
    await turnEnd()
    expect(numbers()).toEqual([3])
    regroup('tor-2', 'gates')
    regroup('tor-1', 'barriers')
    publish('tor-1', 5)
    publish('tor-2', 6)
    await turnEnd()
    // What is known of the one that has joined comes in front of everything else of the turn.
    expect(types().slice(-4)).toEqual(['states', 'device', 'device', 'telemetry'])
    expect(events.at(-4)).toMatchObject({ data: [{ deviceId: 'tor-2', values: { n: { value: 6 } } }] })
    expect(numbers()).toEqual([3, 6])
    hub.request('a', { type: 'subscribe', devices: ['tor-2'], groups: ['barriers', 'nobody'] })
    expect(events.at(-2)).toMatchObject({ type: 'subscribed', data: { devices: 2, groups: 2 } })
    expect(events.at(-1)).toMatchObject({ type: 'states', data: [{ deviceId: 'tor-2' }, { deviceId: 'tor-1' }] })
    publish('tor-1', 7)
    publish('tor-2', 8)
    await turnEnd()
    expect(numbers()).toEqual([3, 6, 7, 8])
  })

  it('a group, also of what it has missed', async () => {
    const { hub, publish, regroup } = newHub({ maxBufferedBytes: 1e6 })
    regroup('tor-1', 'gates')
    publish('tor-1', 1)
    publish('tor-2', 2)
    const wanted: StreamOptions = { ...EXTENDED, groups: new Set(['gates']) }
    const first = createClient('a')
    hub.add(first.client, wanted)
    hub.remove('a')
    publish('tor-1', 3)
    publish('tor-2', 4)
    publish('tor-3', 5)
    regroup('tor-2', 'gates')
    const second = createClient('b')
    const greeting = first.events[0]
    hub.add(second.client, wanted, greeting?.type === 'snapshot' ? greeting.id : '')
    expect(second.types()).toEqual(['resumed', 'states', 'telemetry', 'telemetry', 'device', 'broker'])
    expect(second.events[1]).toMatchObject({ data: [{ deviceId: 'tor-2', values: { n: { value: 4 } } }] })
    expect(second.numbers()).toEqual([3, 4])
  })

  it('the latest of a group, the one that has just joined it included', async () => {
    const { hub, publish, regroup } = newHub({ maxBufferedBytes: 1e6 })
    publish('tor-1', 1)
    const { client, events } = createClient('a')
    hub.add(client, { ...EXTENDED, mode: 'latest', everyMs: 250, groups: new Set(['gates']) })
    regroup('tor-1', 'gates')
    await turnEnd()
    expect(events.slice(-2)).toMatchObject([{ type: 'states', data: [{ deviceId: 'tor-1', values: { n: { value: 1 } } }] }, { type: 'device' }])
  })

  it('the latest: a device that was forgotten and has come back is there, one that stays away is not', async () => {
    const { hub, publish } = newHub({ maxBufferedBytes: 1e6 })
    publish('tor-1', 1)
    const { client, events } = createClient('a')
    hub.add(client, { ...EXTENDED, mode: 'latest', everyMs: 250 })
    hub.publish('forgotten', 'tor-1', JSON.stringify({ deviceId: 'tor-1', until: NOON, undoSeconds: 30 }))
    publish('tor-1', 2)
    await turnEnd()
    expect(events.slice(-2)).toMatchObject([{ type: 'forgotten', data: { deviceId: 'tor-1' } }, { type: 'states', data: [{ deviceId: 'tor-1', values: { n: { value: 2 } } }] }])
  })

  it('is told how far behind it is', async () => {
    const { hub, publish } = newHub()
    const { client, events, answer } = createClient('a')
    const plain = createClient('plain')
    hub.start()
    hub.add(client, EXTENDED)
    hub.add(plain.client, PLAIN)
    publish('tor-1', 1)
    await turnEnd()
    answer()
    vi.advanceTimersByTime(10_000)
    expect(events.at(-1)).toMatchObject({ type: 'heartbeat', id: expect.any(String), data: { state: 'flowing', waitingDevices: 0, coalescedEvents: 0 } })
    expect(plain.types()).toEqual(['snapshot', 'broker', 'telemetry'])
    hub.stop()
  })
})

describe('somebody who may see some groups only', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] }))
  afterEach(() => void vi.useRealTimers())

  const reach = scopeOfGroups(['gates'])
  const idOf = (event: StreamEvent | undefined) => event && 'id' in event ? event.id : undefined

  /** `tor-1` among the gates, `secret` elsewhere. */
  function newSite(given: Partial<HubOptions> = {}) {
    const site = newHub({ maxBufferedBytes: 1e6, ...given })
    site.regroup('tor-1', 'gates')
    site.regroup('secret', 'vault')
    site.publish('tor-1', 1)
    site.publish('secret', 1)
    return site
  }

  const MODES: [string, StreamOptions][] = [
    ['every event, in the seed’s words', PLAIN],
    ['every event', EXTENDED],
    ['batches', { ...EXTENDED, everyMs: 50 }],
    ['the latest', { ...EXTENDED, mode: 'latest', everyMs: 250 }],
    ['by name', { ...EXTENDED, devices: new Set(['tor-1', 'secret']) }],
    ['by group', { ...EXTENDED, groups: new Set(['gates', 'vault']) }],
  ]

  it.each(MODES)('hears of no other device: %s', async (_, options) => {
    const { hub, publish, regroup } = newSite()
    const { client, events } = createClient('a')
    hub.add(client, { ...options, deviceScope: reach })
    expect(events[0]).toMatchObject({ type: 'snapshot', data: [{ deviceId: 'tor-1' }] })
    hub.publish('forgotten', 'secret', JSON.stringify({ deviceId: 'secret', until: NOON, undoSeconds: 30 }))
    hub.publish('presence', 'secret', JSON.stringify({ deviceId: 'secret', presence: 'live', since: NOON }))
    regroup('secret', 'cellar')
    publish('secret', 2)
    publish('tor-1', 3)
    await turnEnd()
    for (const devices of [['secret'], null]) hub.request('a', { type: 'subscribe', devices })
    hub.request('a', { type: 'subscribe', groups: ['cellar', 'gates'] })
    expect(events.at(-2)).toMatchObject({ type: 'subscribed', data: { devices: 1 } })
    publish('secret', 4)
    await turnEnd()
    vi.advanceTimersByTime(1_000)
    expect(JSON.stringify(events)).not.toContain('secret')
    expect(JSON.stringify(events)).toContain('"n":3')
  })

  it.each(MODES.slice(0, 4))('is shown a device that comes, and loses one that goes: %s', async (_, options) => {
    const { hub, publish, regroup } = newSite()
    const { client, events } = createClient('a')
    hub.add(client, { ...options, deviceScope: reach })
    regroup('secret', 'gates')
    await turnEnd()
    vi.advanceTimersByTime(1_000)
    expect(JSON.stringify(events)).toContain('"deviceId":"secret"')
    regroup('secret', 'vault')
    publish('secret', 5)
    await turnEnd()
    vi.advanceTimersByTime(1_000)
    expect(events.at(-1)).toMatchObject({ type: 'withdrawn', data: { deviceId: 'secret' } })
    expect(JSON.stringify(events)).not.toContain('"n":5')
    publish('tor-1', 6)
    await turnEnd()
    vi.advanceTimersByTime(1_000)
    expect(JSON.stringify(events.at(-1))).toContain('"n":6')
  })

  it('hears in its own words what came and went while it was away, and how much of it was for it', async () => {
    const { hub, publish, regroup } = newSite()
    const first = createClient('a')
    hub.add(first.client, { ...EXTENDED, deviceScope: reach })
    hub.remove('a')
    publish('secret', 2)
    regroup('tor-1', 'vault')
    regroup('secret', 'cellar')
    regroup('tor-2', 'gates')
    publish('tor-1', 3)
    const second = createClient('b')
    hub.add(second.client, { ...EXTENDED, deviceScope: reach }, idOf(first.events[0]))
    expect(second.types()).toEqual(['resumed', 'states', 'withdrawn', 'device', 'broker'])
    expect(second.events[0]).toMatchObject({ data: { missed: 2 } })
    expect(JSON.stringify(second.events)).not.toContain('secret')
  })

  it('does not go on where somebody else was, or the same with other rights', () => {
    const { hub } = newSite()
    const [all, some] = [createClient('all'), createClient('some')]
    hub.add(all.client, EXTENDED)
    hub.add(some.client, { ...EXTENDED, deviceScope: reach })
    for (const [after, rights] of [[idOf(all.events[0]), reach], [idOf(some.events[0]), undefined], [idOf(some.events[0]), scopeOfGroups(['gates', 'vault'])]] as const) {
      const again = createClient(`again-${String(after)}`)
      hub.add(again.client, { ...EXTENDED, deviceScope: rights }, after)
      expect(again.events[0]).toMatchObject({ type: 'snapshot', reason: 'other-rights' })
      hub.remove(again.client.id)
    }
  })

  it.each([['in the seed’s words', PLAIN], ['with additions', EXTENDED]])('is not owed what it may not see when it cannot keep up: %s', async (_, options) => {
    const { hub, publish, regroup } = newSite({ maxBufferedBytes: 100 })
    hub.start()
    const slow = createClient('slow')
    hub.add(slow.client, { ...options, deviceScope: reach })
    publish('tor-1', 2)
    await turnEnd()
    slow.stall(101)
    publish('tor-1', 3)
    await turnEnd()
    const before = slow.events.length
    regroup('secret', 'gates')
    publish('secret', 4)
    publish('tor-1', 4)
    regroup('tor-2', 'gates')
    publish('tor-2', 4)
    await turnEnd()
    regroup('secret', 'vault')
    publish('secret', 5)
    await turnEnd()
    slow.stall(0)
    vi.advanceTimersByTime(100)
    const told = slow.events.slice(before)
    expect(told).toContainEqual(expect.objectContaining({ type: 'withdrawn', data: { deviceId: 'secret' } }))
    expect(JSON.stringify(told.filter(({ type }) => type !== 'withdrawn'))).not.toContain('secret')
    expect(JSON.stringify(told)).toContain('"deviceId":"tor-2"')
    if (!options.extended) expect(told.map(({ type }) => type)).not.toContain('device')
    hub.stop()
  })

  it('is told less of the broker', async () => {
    const told = (isLimited: boolean) => JSON.stringify({ ...JSON.parse(BROKER), url: isLimited ? '' : 'mqtt://inside' })
    const { hub } = newSite({ broker: told })
    const { client, events } = createClient('a')
    hub.add(client, { ...EXTENDED, deviceScope: reach })
    hub.publish('broker', undefined, told(false))
    await turnEnd()
    expect(events.filter(({ type }) => type === 'broker')).toHaveLength(2)
    expect(JSON.stringify(events)).not.toContain('inside')
  })
})

describe('a client that cannot keep up', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] }))
  afterEach(() => void vi.useRealTimers())

  async function fallBehind(options: StreamOptions) {
    const { hub, publish } = newHub()
    const slow = createClient('slow')
    const good = createClient('good')
    hub.start()
    hub.add(slow.client, options)
    hub.add(good.client, PLAIN)
    publish('tor-1', 0)
    await turnEnd()
    slow.stall(101)
    publish('tor-1', 1)
    await turnEnd()
    const before = slow.events.length
    for (let n = 2; n < 100; n++) {
      publish(`tor-${n % 2}`, n)
      await turnEnd()
    }
    expect(slow.events).toHaveLength(before)
    expect(good.numbers()).toEqual(Array.from({ length: 100 }, (_, n) => n))
    return { hub, slow, good, publish, since: () => slow.events.slice(before) }
  }

  it('is told so, given the latest of each device, and flows again', async () => {
    const { hub, slow, publish, since } = await fallBehind(EXTENDED)
    // Of 100 events for two clients, the slow one has been written two.
    expect(hub.counts()).toMatchObject({ published: 100, delivered: 102, coalesced: 98, slowClients: 1, waitingBytes: 101 })
    slow.stall(0)
    vi.advanceTimersByTime(100)
    expect(since()).toMatchObject([
      { type: 'coalesced', data: { events: 98, devices: 2 } },
      { type: 'states', data: [{ deviceId: 'tor-0', values: { n: { value: 98 } } }, { deviceId: 'tor-1', values: { n: { value: 99 } } }] },
    ])
    publish('tor-1', 100)
    await turnEnd()
    expect(slow.numbers().at(-1)).toBe(100)
    expect(slow.closed).toEqual([])
    hub.stop()
  })

  it('gets the same in the words of the seed when it has asked for nothing', async () => {
    const { hub, slow, since } = await fallBehind(PLAIN)
    slow.stall(0)
    vi.advanceTimersByTime(100)
    expect(since().map(({ type }) => type)).toEqual(['coalesced', 'telemetry', 'telemetry'])
    expect(slow.numbers().slice(-2)).toEqual([98, 99])
    hub.stop()
  })

  it('has less room while much waits for others, and all of it again afterwards', async () => {
    const { hub, publish } = newHub({ maxBufferedBytes: 800, maxWaitingBytes: 1_000 })
    hub.start()
    const [first, second, good] = [createClient('first'), createClient('second'), createClient('good')]
    for (const { client } of [first, second, good]) hub.add(client, EXTENDED)
    const say = async (n: number) => {
      publish('tor-1', n)
      await turnEnd()
    }
    await say(1)
    good.stall(700)
    await say(2)
    expect(good.numbers()).toEqual([1, 2])
    good.stall(0)
    await say(3)
    for (const { stall } of [first, second]) stall(900)
    await say(4)
    good.stall(101)
    await say(5)
    await say(6)
    expect(good.numbers()).toEqual([1, 2, 3, 4, 5])
    for (const { stall } of [first, second, good]) stall(0)
    vi.advanceTimersByTime(200)
    good.stall(700)
    await say(7)
    await say(8)
    expect(good.numbers().slice(-2)).toEqual([7, 8])
    hub.stop()
  })

  it('is closed when it takes nothing, and not while it still does', async () => {
    const { hub, slow, good } = await fallBehind(EXTENDED)
    for (let left = 100; left > 90; left--) {
      slow.stall(left)
      vi.advanceTimersByTime(900)
    }
    expect(slow.closed).toEqual([])
    vi.advanceTimersByTime(1_200)
    expect(slow.closed).toEqual([1013])
    expect(good.closed).toEqual([])
    expect(hub.counts()).toMatchObject({ givenUp: { stuck: 1, unanswered: 0, failed: 0 }, slowClients: 0 })
    hub.stop()
  })

  it('may take its time over a snapshot larger than the limit', async () => {
    const { hub, publish } = newHub()
    for (let n = 0; n < 50; n++) publish(`tor-${n}`, n)
    const { client, stall, numbers } = createClient('a')
    stall(5_000)
    hub.add(client, EXTENDED)
    publish('tor-1', 100)
    await turnEnd()
    expect(numbers()).toEqual([100])
    hub.stop()
  })

  it('is gone within a minute when it neither reads nor answers', () => {
    const { hub } = newHub()
    hub.start()
    const dead = createClient('dead')
    const well = createClient('well')
    hub.add(dead.client, PLAIN)
    hub.add(well.client, PLAIN)
    for (let s = 0; s < 60; s += 10) {
      vi.advanceTimersByTime(10_000)
      well.answer()
    }
    expect([dead.closed, well.closed]).toEqual([[1013], []])
    expect(hub.counts().givenUp).toEqual({ stuck: 0, unanswered: 1, failed: 0 })
    hub.stop()
  })
})
