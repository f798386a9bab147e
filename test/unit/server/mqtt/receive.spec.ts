import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import mqtt from 'mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import { boundsOf, readPublish } from '../../../../server/mqtt/publish-packets'
import type { Delivered } from '../../../../server/mqtt/publish-packets'
import { receiveDirectly } from '../../../../server/mqtt/receive'

interface Message { topic: string, payload: Buffer, qos: 0 | 1, packetId: number, retain: boolean, dup: boolean, properties: Buffer }

const plain: Message = { topic: 'sensors/tor-1/telemetry', payload: Buffer.from('{}'), qos: 1, packetId: 7, retain: false, dup: false, properties: Buffer.alloc(0) }

/** A PUBLISH packet by the letter of MQTT 5.0, section 3.3 (3.1.1 without properties). */
function publish(given: Partial<Message>, version: 4 | 5 = 5): Buffer {
  const { topic, payload, qos, packetId, retain, dup, properties } = { ...plain, ...given }
  const name = Buffer.from(topic)
  const body = Buffer.concat([
    uint16(name.length), name,
    ...(qos > 0 ? [uint16(packetId)] : []),
    ...(version === 5 ? [lengthField(properties.length), properties] : []),
    payload,
  ])
  return Buffer.concat([Buffer.from([0x30 | (dup ? 8 : 0) | qos << 1 | (retain ? 1 : 0)]), lengthField(body.length), body])
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function lengthField(length: number): Buffer {
  const bytes: number[] = []
  do {
    bytes.push((length & 127) | (length > 127 ? 128 : 0))
    length >>= 7
  } while (length > 0)
  return Buffer.from(bytes)
}

describe('a PUBLISH packet', () => {
  it.each<[string, Partial<Message>, 4 | 5]>([
    ['of QoS 0', { qos: 0 }, 5],
    ['of QoS 1', { qos: 1, packetId: 65_535 }, 5],
    ['of MQTT 3.1.1', { qos: 1 }, 4],
    ['with properties', { properties: Buffer.from([1, 1, 2, 0, 0, 0, 9]) }, 5],
    ['with many properties', { properties: Buffer.alloc(300, 1) }, 5],
    ['that is retained', { retain: true }, 5],
    ['that is delivered again', { dup: true }, 4],
    ['without a payload', { payload: Buffer.alloc(0) }, 5],
    ['with a topic of many bytes', { topic: 'sensors/Tür/🚪' }, 5],
    ['of many bytes', { payload: Buffer.alloc(70_000, 'x') }, 5],
  ])('%s is read', (_what, given, version) => {
    const bytes = Buffer.concat([Buffer.from('before'), publish(given, version), Buffer.from('after')])
    const bounds = boundsOf(bytes, 6)
    if (!bounds) throw new Error('The packet is there.')
    const { topic, payload, qos, packetId, retain, dup } = { ...plain, ...given }
    expect(bounds).toMatchObject({ isPublish: true, length: publish(given, version).length })
    expect(readPublish(bytes, 6, bounds, version)).toEqual({ topic, payload, replayed: retain, redelivered: dup, packetId: qos > 0 ? packetId : undefined })
  })

  it.each([
    ['a topic that does not end', Buffer.from([0x30, 4, 0, 200, 1, 2])],
    ['no room for a packet id', Buffer.from([0x32, 4, 0, 2, 97, 98])],
    ['properties that do not end', Buffer.from([0x30, 4, 0, 1, 97, 50])],
    ['no topic at all', Buffer.from([0x30, 1, 0])],
  ])('with %s is refused', (_what, bytes) => {
    const bounds = boundsOf(bytes, 0)
    if (!bounds) throw new Error('The packet is there.')
    expect(() => readPublish(bytes, 0, bounds, 5)).toThrow('The broker has sent')
  })

  it('is known to be one by its head, and waits for it', () => {
    expect([0xD0, 0x34, 0x30].map(first => boundsOf(Buffer.from([first, 0]), 0)?.isPublish)).toEqual([false, false, true])
    expect(boundsOf(Buffer.from([0x30]), 0)).toBeUndefined()
    expect(boundsOf(Buffer.from([0x30, 128, 128]), 0)).toBeUndefined()
    expect(() => boundsOf(Buffer.from([0x30, 128, 128, 128, 128, 1]), 0)).toThrow('length')
  })
})

/** A broker that says what it is told, and a client that receives directly. */
async function connectRaw(options: { take?: (message: Delivered) => boolean } = {}) {
  const received: Delivered[] = []
  let faults = 0
  const sockets: Socket[] = []
  const server = createServer(socket => void sockets.push(socket)).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const address = server.address()
  const client = mqtt.connect({ host: '127.0.0.1', port: typeof address === 'object' && address ? address.port : 0, protocolVersion: 5, reconnectPeriod: 0 })
  onTestFinished(() => {
    client.end(true)
    server.close()
  })
  let sessionKnown = false
  client.on('connect', () => { sessionKnown = true })
  receiveDirectly(client, {
    wantsTraceparent: false,
    protocolVersion: 5,
    onPublish(message) {
      expect(sessionKnown).toBe(true)
      received.push({ ...message, payload: Buffer.from(message.payload) })
      return options.take?.(message) ?? true
    },
    onMalformed: () => void faults++,
  })
  await expect.poll(() => sockets.length).toBe(1)
  const say = (bytes: Buffer) => new Promise<void>(resolve => sockets[0]?.write(bytes, () => resolve()))
  return { client, received, say, faults: () => faults, connack: Buffer.from([0x20, 3, 1, 0, 0]) }
}

describe('receiving directly', () => {
  const numbered = (count: number) => Array.from({ length: count }, (_, n) => publish({ packetId: n + 1, payload: Buffer.from(`${n}`) }))

  it('takes messages in whatever pieces they come, and leaves other packets to the client', async () => {
    const { client, received, say, connack } = await connectRaw()
    const answered = new Promise(resolve => client.on('packetreceive', ({ cmd }) => cmd === 'pingresp' && resolve(cmd)))
    const pingresp = Buffer.from([0xD0, 0])
    const bytes = Buffer.concat([connack, ...numbered(50), pingresp, publish({ payload: Buffer.alloc(200_000, 'x') }), ...numbered(50)])
    for (let at = 0, step = 1; at < bytes.length; at += step, step = 1 + (step * 7) % 9_973) await say(bytes.subarray(at, at + step))
    await expect.poll(() => received.length).toBe(101)
    expect(await answered).toBe('pingresp')
    expect(received.map(({ payload }) => payload.length > 10 ? 'large' : Number(payload))).toEqual([...Array.from({ length: 50 }, (_, n) => n), 'large', ...Array.from({ length: 50 }, (_, n) => n)])
  })

  it('looks at messages only once it is known whether the session goes on', async () => {
    const { received, say, connack } = await connectRaw()
    await say(Buffer.concat([connack, ...numbered(3)]))
    await expect.poll(() => received.length).toBe(3)
  })

  it('stops where it is told to, goes on with the next turn, and loses nothing', async () => {
    let taken = 0
    const { received, say, connack } = await connectRaw({ take: () => ++taken % 10 > 0 })
    await say(connack)
    for (let n = 0; n < 20; n++) await say(Buffer.concat(numbered(50)))
    await expect.poll(() => received.length).toBe(1_000)
  })

  it('tells of a broker that makes no sense', async () => {
    const { say, faults, connack } = await connectRaw()
    await say(connack)
    await say(Buffer.from([0x30, 1, 0]))
    await expect.poll(faults).toBe(1)
  })
})
