import { generate } from 'mqtt-packet'
import type { IPublishPacket } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { boundsOf, readPublish } from '../../../../server/mqtt/publish-packets'

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

function packetWith(properties: IPublishPacket['properties'], protocolVersion: 4 | 5 = 5): Buffer {
  return generate({ cmd: 'publish', topic: 'sensors/gate/telemetry', payload: 'hello', qos: 1, messageId: 7, dup: false, retain: false, ...(properties && { properties }) }, { protocolVersion })
}

function read(bytes: Buffer, wantsTraceparent = true, protocolVersion: 4 | 5 = 5) {
  const bounds = boundsOf(bytes, 0)
  if (!bounds) throw new Error('The packet is not complete.')
  return readPublish(bytes, 0, bounds, protocolVersion, wantsTraceparent)
}

describe('the traceparent of a message', () => {
  const all: IPublishPacket['properties'] = {
    payloadFormatIndicator: true, messageExpiryInterval: 60, contentType: 'application/json', responseTopic: 'answers', correlationData: Buffer.from('&&&'), subscriptionIdentifier: 300,
    userProperties: { traceparen: 'no', traceparents: 'no', traceparent: [TRACEPARENT, 'second'], more: 'x'.repeat(200) },
  }

  it('is found among all other properties, and the payload behind them', () => {
    const message = read(packetWith(all))
    expect([message.traceparent, message.payload.toString(), message.packetId]).toEqual([TRACEPARENT, 'hello', 7])
  })

  it('is looked for only where it is wanted', () => {
    expect(read(packetWith(all), false)).not.toHaveProperty('traceparent')
  })

  it.each<[string, Buffer, 4 | 5]>([
    ['there are no properties', packetWith(undefined), 5],
    ['it is not among them', packetWith({ userProperties: { other: TRACEPARENT }, contentType: 'traceparent' }), 5],
    ['the protocol has none', packetWith(undefined, 4), 4],
  ])('is not there where %s', (_, bytes, protocolVersion) => {
    const message = read(bytes, true, protocolVersion)
    expect(message).not.toHaveProperty('traceparent')
    expect(message.payload.toString()).toBe('hello')
  })

  it('makes no difference to a message whose properties are broken, wherever they are', () => {
    const whole = packetWith(all)
    const properties = 2 + 1 + 2 + 'sensors/gate/telemetry'.length + 2
    for (let at = properties; at < whole.length - 'hello'.length; at++) {
      const broken = Buffer.from(whole)
      broken[at] = 0xff
      const outcome = (wants: boolean) => {
        try {
          return read(broken, wants).payload.toString()
        }
        catch (error) {
          return String(error)
        }
      }
      expect(outcome(true), `byte ${at}`).toBe(outcome(false))
    }
  })
})
