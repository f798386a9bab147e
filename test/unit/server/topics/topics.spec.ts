import { describe, expect, it } from 'vitest'
import { TopicsQuerySchema } from '#shared/schemas/topics'
import type { Topic, TopicEntry } from '#shared/schemas/topics'
import type { Verdict } from '../../../../server/topics/heard'
import { createTopics } from '../../../../server/topics/topics'

const START = Date.parse('2026-01-01T12:00:00.000Z')
const LIMITS = { topics: 1_000, topicPayloadBytes: 512 }

function accepted(deviceId: string, metrics: Record<string, number> = { tempC: 1 }): Verdict {
  return { kind: 'telemetry', telemetry: { deviceId, metrics } }
}
const REJECTED: Verdict = { kind: 'rejected', reason: 'not-json', detail: 'The payload is not JSON.' }

/** A tree and short ways to speak to it; time begins at 0 seconds. */
function room(limits = LIMITS) {
  const tree = createTopics(limits)
  let seconds = 0
  return {
    at(time: number) { seconds = time },
    take(topic: string, verdict: Verdict = accepted(topic), payload: Buffer = Buffer.from('{}'), replayed = false) {
      tree.take({ topic, payload, replayed, packetId: 1 }, verdict, START + seconds * 1_000)
    },
    ask: (query: object = {}) => tree.answer(TopicsQuerySchema.parse(query), START + seconds * 1_000),
    entries: (under = '') => tree.answer(TopicsQuerySchema.parse({ under }), START + seconds * 1_000).levels[0]?.entries ?? [],
    heard: tree.heard,
  }
}

function names(entries: TopicEntry[]): string[] {
  return entries.map(entry => entry.kind === 'topic' ? entry.topic : `${entry.path} ${entry.topics}`)
}

function onlyTopic(entries: TopicEntry[]): Topic {
  const [entry] = entries
  if (entry?.kind !== 'topic') throw new Error('no topic')
  return entry
}

describe('the tree', () => {
  it('is answered level by level; a branch of one topic is that topic', () => {
    const { take, entries } = room()
    for (const topic of ['sensors/tor-10/telemetry', 'sensors/tor-2/telemetry', 'sensors/tor-2/state', 'sensors', 'plant/a/b', '/x']) take(topic)
    expect(names(entries())).toEqual(['/x', 'plant/a/b', 'sensors', 'sensors/ 3'])
    expect(names(entries('sensors/'))).toEqual(['sensors/tor-2/ 2', 'sensors/tor-10/telemetry'])
    expect(names(entries('sensors/tor-2/'))).toEqual(['sensors/tor-2/state', 'sensors/tor-2/telemetry'])
  })

  it('finds topics by name, device, metric and reason, however deep', () => {
    const { take, ask } = room()
    take('a/b/c', accepted('gate', { humidity: 1 }))
    take('a/d', REJECTED)
    const found = (q: string) => names(ask({ q }).levels[0]?.entries ?? [])
    expect(found('B/')).toEqual(['a/b/c'])
    expect(found('gate HUMID')).toEqual(['a/b/c'])
    expect(found('not-json')).toEqual(['a/d'])
    expect(found('nowhere')).toEqual([])
  })

  it('says how many entries were left out', () => {
    const { take, ask } = room()
    for (let n = 0; n < 12; n++) take(`t${n}`)
    const { entries, more } = ask({ limit: '10' }).levels[0] ?? {}
    expect(entries).toHaveLength(10)
    expect(more).toBe(2)
  })

  it('says what was made of a message', () => {
    const { at, take, entries } = room()
    take('a', accepted('tor-1', { tempC: 1, humidity: 2 }))
    expect(onlyTopic(entries())).toMatchObject({ messages: 1, qos: 1, replayed: false, verdict: { kind: 'telemetry', deviceId: 'tor-1', metrics: ['tempC', 'humidity'], count: 2 } })
    // At once, although payloads are looked at once a second.
    take('a', REJECTED, Buffer.from('broken'))
    expect(onlyTopic(entries())).toMatchObject({ messages: 2, payload: { data: 'broken' }, verdict: { kind: 'rejected', reason: 'not-json' } })
    at(2)
    take('a', { kind: 'status', change: { deviceId: 'tor-1', status: null } }, Buffer.alloc(0), true)
    expect(onlyTopic(entries())).toMatchObject({ replayed: true, payload: { bytes: 0, data: '' }, verdict: { kind: 'state', status: null } })
  })

  it('counts in a branch what is below it', () => {
    const { take, entries } = room()
    take('a/b')
    take('a/b')
    take('a/c', REJECTED)
    expect(entries()).toMatchObject([{ kind: 'branch', path: 'a/', topics: 2, messages: 3, rejected: 1 }])
  })
})

describe('a rate', () => {
  it('is the number of messages a second of the last seconds, and 0 once the topic is silent', () => {
    const { at, take, entries } = room()
    const rate = () => onlyTopic(entries()).rate
    take('a')
    expect(rate()).toBe(0)
    for (let n = 1; n <= 100; n++) {
      at(n / 10)
      take('a')
    }
    expect(rate()).toBeCloseTo(10, 5)
    for (let n = 11; n <= 60; n++) {
      at(n)
      take('a')
    }
    expect(rate()).toBeCloseTo(1, 5)
    at(75)
    expect(rate()).toBe(0)
  })

  it('of what speaks seldom is told by its interval', () => {
    const { at, take, entries } = room()
    for (const minute of [0, 5, 10]) {
      at(minute * 60)
      take('a')
    }
    at(14 * 60)
    expect(onlyTopic(entries()).rate).toBeCloseTo(1 / 300, 5)
  })
})

describe('a payload', () => {
  it('is kept up to its limit, and a character cut in two is left out', () => {
    const { take, entries } = room({ topics: 10, topicPayloadBytes: 5 })
    take('a', undefined, Buffer.from('abcdäöü'))
    expect(onlyTopic(entries()).payload).toEqual({ encoding: 'text', data: 'abcd', bytes: 10 })
  })

  it.each([[Buffer.from([0, 1, 2])], [Buffer.from([0xFF, 0x41])], [Buffer.from('a\u0007')]])('that is no text is told in base64: %s', (payload) => {
    const { take, entries } = room()
    take('a', REJECTED, payload)
    expect(onlyTopic(entries()).payload).toEqual({ encoding: 'base64', data: payload.toString('base64'), bytes: payload.length })
  })

  it('is a copy: the connection goes on using its buffer', () => {
    const { take, entries } = room()
    const payload = Buffer.from('first')
    take('a', undefined, payload)
    payload.fill('x')
    expect(onlyTopic(entries()).payload.data).toBe('first')
  })
})

describe('the limits', () => {
  it('count what has no room', () => {
    const { take, ask, entries } = room({ topics: 2, topicPayloadBytes: 10 })
    for (const topic of ['a', 'b', 'c', 'c', 'a']) take(topic)
    expect(ask()).toMatchObject({ topics: 2, limit: 2, unlisted: 2, forgotten: 0 })
    expect(names(entries())).toEqual(['a', 'b'])
  })

  it('make room by forgetting what has been silent for an hour', () => {
    const { at, take, ask, entries } = room({ topics: 2, topicPayloadBytes: 10 })
    take('a')
    take('b')
    at(3_599)
    take('b')
    at(3_601)
    take('c')
    expect(names(entries())).toEqual(['b', 'c'])
    expect(ask()).toMatchObject({ unlisted: 0, forgotten: 1 })
  })

  it('leave out topics that are too long', () => {
    const { take, ask } = room()
    take('a'.repeat(1_025))
    expect(ask()).toMatchObject({ topics: 0, unlisted: 1 })
  })
})
