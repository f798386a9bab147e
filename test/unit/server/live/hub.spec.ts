import type { StreamEvent } from '#shared/schemas/events'
import { describe, expect, it } from 'vitest'
import { createHub } from '../../../../server/live/hub'
import type { StreamClient } from '../../../../server/live/hub'

const PONG: StreamEvent = { type: 'pong' }

/** A client that remembers; `buffered` is what has not left its socket. */
function createClient(id: string, buffered = 0) {
  const frames: string[] = []
  const closed: number[] = []
  const client: StreamClient = {
    id,
    send: frame => void frames.push(frame),
    close: code => void closed.push(code),
    cork: () => {},
    uncork: () => {},
    bufferedBytes: () => buffered,
  }
  return { client, frames, closed, stall: (bytes: number) => { buffered = bytes } }
}

function newHub(maxClients = 10) {
  return createHub({ maxClients, maxBufferedBytes: 100, greeting: () => [{ type: 'snapshot', data: [] }] })
}

describe('hub', () => {
  it('greets with the snapshot, then sends every event', () => {
    const hub = newHub()
    const { client, frames } = createClient('a')
    hub.add(client)
    hub.publish(PONG)
    expect(frames).toEqual(['{"type":"snapshot","data":[]}', '{"type":"pong"}'])
  })

  it('sends nothing to a client that left', () => {
    const hub = newHub()
    const { client, frames } = createClient('a')
    hub.add(client)
    hub.remove('a')
    hub.publish(PONG)
    expect(frames).toHaveLength(1)
    expect(hub.size()).toBe(0)
  })

  it('closes a client that cannot keep up, and nobody else', () => {
    const hub = newHub()
    const slow = createClient('slow')
    const good = createClient('good')
    hub.add(slow.client)
    hub.add(good.client)
    slow.stall(101)
    hub.publish(PONG)
    hub.publish(PONG)
    expect(slow.closed).toEqual([1013])
    expect(good.frames).toHaveLength(3)
    expect(hub.size()).toBe(1)
  })

  it('lets a greeting over the limit leave in peace, and then holds the client to the limit', () => {
    const snapshot: StreamEvent = { type: 'error', data: { code: 'large', message: 'x'.repeat(1_000) } }
    const hub = createHub({ maxClients: 10, maxBufferedBytes: 100, greeting: () => [snapshot] })
    const { client, closed, stall } = createClient('a', 1_060)
    hub.add(client)
    hub.publish(PONG)
    expect(closed).toEqual([])
    stall(50)
    hub.publish(PONG)
    stall(101)
    hub.publish(PONG)
    expect(closed).toEqual([1013])
  })

  it('goes on when a client fails', () => {
    const hub = newHub()
    const good = createClient('good')
    hub.add({ id: 'bad', send: () => { throw new Error('gone') }, close: () => { throw new Error('gone') }, cork: () => {}, uncork: () => {}, bufferedBytes: () => 0 })
    hub.add(good.client)
    hub.publish(PONG)
    expect(good.frames).toHaveLength(2)
    expect(hub.size()).toBe(1)
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
