import { describe, expect, it, onTestFinished } from 'vitest'
import { createConnection } from '../../server/mqtt/connection'
import { connectDevice, startMosquitto } from './support/broker'
import { mosquitto } from './support/dependencies'
import { until } from './support/until'

describe.skipIf(!mosquitto)('a connection that is renewed', () => {
  it('goes on with its session, asks for it to be kept as long as is wanted now, and is never said to be gone', async () => {
    const broker = await startMosquitto()
    const received: string[] = []
    let expirySeconds = 0
    const connection = createConnection({
      url: broker.url, username: '', password: '', tls: {}, embedded: false, receiveMaximum: 100, filters: ['sensors/#'], furtherFilters: [], wantsTraceparent: false,
      clientId: () => 'one', installation: () => 'one', root: 'leitstand', sessionExpirySeconds: () => expirySeconds,
    }, {
      onMessage: ({ payload }) => void received.push(payload.toString()),
      onTurnEnd: done => done?.(true), onSession() {}, storeFault: () => null, onStatus() {},
    })
    const device = await connectDevice(broker.url)
    const said: string[] = []
    device.on('message', (_topic, payload) => void said.push(payload.toString()))
    await device.subscribeAsync('leitstand/status')
    connection.start()
    onTestFinished(() => connection.stop())
    const untilConnects = (connects: number) => until(() => (connection.session().connects === connects && connection.status().code === 'connected') || undefined, `connection ${connects}`)
    await untilConnects(1)
    expirySeconds = 600
    connection.renew()
    await device.publishAsync('sensors/mill/telemetry', 'meanwhile', { qos: 1 })
    await untilConnects(2)
    // The session that was to end with its connection has ended, and is kept from now on.
    expect(connection.session()).toMatchObject({ resumed: false })
    connection.renew()
    await untilConnects(3)
    expect(connection.session()).toMatchObject({ resumed: true })
    connection.cut()
    await device.publishAsync('sensors/mill/telemetry', 'while it was cut', { qos: 1 })
    await until(() => received.includes('while it was cut') || undefined, 'the message')
    expect(said.slice(0, 3)).toEqual(['online', 'online', 'online'])
  })
})
