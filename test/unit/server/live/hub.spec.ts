import type { StreamEvent } from '#shared/schemas/events'
import { describe, expect, it } from 'vitest'
import { toFrames } from '../../../../server/live/frames'
import { createHub } from '../../../../server/live/hub'
import type { StreamClient } from '../../../../server/live/hub'

const PONG: StreamEvent = { type: 'pong' }

/** A client that remembers; `buffered` is what has not left its socket. */
function createClient(id: string, buffered = 0) {
  const frames: string[] = []
  const writes: number[] = []
  const closed: number[] = []
  const client: StreamClient = {
    id,
    write(bytes) {
      const texts = textsOf(bytes)
      frames.push(...texts)
      writes.push(texts.length)
    },
    close: code => void closed.push(code),
    bufferedBytes: () => buffered,
  }
  return { client, frames, writes, closed, stall: (bytes: number) => { buffered = bytes } }
}

/** The texts of unmasked frames, read by the letter of RFC 6455. */
function textsOf(bytes: Buffer): string[] {
  if (bytes.length === 0) return []
  expect(bytes[0]).toBe(0x81)
  const short = bytes[1] ?? 0
  const head = short < 126 ? 2 : short === 126 ? 4 : 10
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  return [bytes.toString('utf8', head, head + length), ...textsOf(bytes.subarray(head + length))]
}

/** The end of the event-loop turn, with which events leave. */
const turnEnd = () => new Promise(resolve => setImmediate(resolve))

function newHub(maxClients = 10) {
  return createHub({ maxClients, maxBufferedBytes: 100, greeting: () => [{ type: 'snapshot', data: [] }] })
}

describe('hub', () => {
  it('greets with the snapshot, then sends every event', async () => {
    const hub = newHub()
    const { client, frames } = createClient('a')
    hub.add(client)
    hub.publish(PONG)
    await turnEnd()
    expect(frames).toEqual(['{"type":"snapshot","data":[]}', '{"type":"pong"}'])
  })

  it('sends nothing to a client that left', async () => {
    const hub = newHub()
    const { client, frames } = createClient('a')
    hub.add(client)
    hub.remove('a')
    hub.publish(PONG)
    await turnEnd()
    expect(frames).toHaveLength(1)
    expect(hub.size()).toBe(0)
  })

  it('closes a client that cannot keep up, and nobody else', async () => {
    const hub = newHub()
    const slow = createClient('slow')
    const good = createClient('good')
    hub.add(slow.client)
    hub.add(good.client)
    slow.stall(101)
    hub.publish(PONG)
    await turnEnd()
    hub.publish(PONG)
    await turnEnd()
    expect(slow.closed).toEqual([1013])
    expect(good.frames).toHaveLength(3)
    expect(hub.size()).toBe(1)
  })

  it('lets a greeting over the limit leave in peace, and then holds the client to the limit', async () => {
    const snapshot: StreamEvent = { type: 'error', data: { code: 'large', message: 'x'.repeat(1_000) } }
    const hub = createHub({ maxClients: 10, maxBufferedBytes: 100, greeting: () => [snapshot] })
    const { client, closed, stall } = createClient('a', 1_060)
    hub.add(client)
    hub.publish(PONG)
    await turnEnd()
    expect(closed).toEqual([])
    stall(50)
    hub.publish(PONG)
    await turnEnd()
    stall(101)
    hub.publish(PONG)
    await turnEnd()
    expect(closed).toEqual([1013])
  })

  it('goes on when a client fails', async () => {
    const hub = newHub()
    const good = createClient('good')
    hub.add({ id: 'bad', write: () => { throw new Error('gone') }, close: () => { throw new Error('gone') }, bufferedBytes: () => 0 })
    hub.add(good.client)
    hub.publish(PONG)
    await turnEnd()
    expect(good.frames).toHaveLength(2)
    expect(hub.size()).toBe(1)
  })

  it('lets the events of one turn leave in one write', async () => {
    const hub = newHub()
    const { client, writes } = createClient('a')
    hub.add(client)
    for (let n = 0; n < 3; n++) hub.publishText('pong', `${n}`)
    await turnEnd()
    hub.publish(PONG)
    await turnEnd()
    expect(writes).toEqual([1, 3, 1])
  })

  it('does not repeat after the snapshot what the snapshot holds', async () => {
    const hub = newHub()
    hub.add(createClient('a').client)
    hub.publish(PONG)
    const late = createClient('b')
    hub.add(late.client)
    await turnEnd()
    expect(late.frames).toEqual(['{"type":"snapshot","data":[]}'])
  })

  it('turns clients away beyond the limit', () => {
    const hub = newHub(1)
    const second = createClient('b')
    hub.add(createClient('a').client)
    hub.add(second.client)
    expect(second).toMatchObject({ frames: [], closed: [1013] })
    expect(hub.size()).toBe(1)
  })

  it('tells everybody when it stops', () => {
    const hub = newHub()
    const { client, closed } = createClient('a')
    hub.add(client)
    hub.stop()
    expect(closed).toEqual([1012])
    expect(hub.size()).toBe(0)
  })
})

describe('frames', () => {
  it.each([0, 125, 126, 65_535, 65_536])('carry a text of %i bytes', (length) => {
    expect(textsOf(toFrames(['x'.repeat(length), 'next']))).toEqual(['x'.repeat(length), 'next'])
  })

  it('count bytes, not characters', () => {
    const texts = ['ä'.repeat(63), '€'.repeat(42), '🚪'.repeat(20_000)]
    expect(textsOf(toFrames(texts))).toEqual(texts)
  })
})
