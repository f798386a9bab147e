import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Aedes } from 'aedes'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { BrokerStatus } from '#shared/schemas/health'
import { createConnection } from '../../../../server/mqtt/connection'

/** A broker that refuses a filter, or closes the connection of whoever asks for it. */
async function startBroker(answer: 'refuses' | 'closes', filter: string) {
  const asked: string[] = []
  const broker = await Aedes.createBroker({
    authorizeSubscribe(_client, subscription, done) {
      asked.push(subscription.topic)
      if (subscription.topic !== filter) return done(null, subscription)
      return answer === 'refuses' ? done(null, null) : done(new Error('not here'))
    },
  })
  const server = createServer(socket => broker.handle(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    broker.close()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `mqtt://127.0.0.1:${port}`, asked }
}

function connectTo(url: string) {
  const told: BrokerStatus[] = []
  const connection = createConnection({
    url, username: '', password: '', tls: {}, embedded: true, receiveMaximum: 100, filters: ['sensors/#'], furtherFilters: ['a/#', 'b/#', 'c/#'],
    wantsTraceparent: false, clientId: () => 'one', installation: () => 'one', root: 'leitstand', sessionExpirySeconds: () => 0,
  }, { onMessage() {}, onTurnEnd: done => done?.(true), onSession() {}, storeFault: () => null, onStatus: status => void told.push(status) })
  connection.start()
  onTestFinished(() => connection.stop())
  return { connection, told }
}

describe('further filters', () => {
  it('that the broker refuses are no fault', async () => {
    const { url, asked } = await startBroker('refuses', 'b/#')
    const { connection, told } = connectTo(url)
    await vi.waitFor(() => expect(connection.status().further).toEqual({ granted: ['a/#', 'c/#'], declined: ['b/#'] }))
    expect(connection.status()).toMatchObject({ code: 'connected', granted: ['sensors/#'], refused: [] })
    expect(asked).toEqual(['sensors/#', 'a/#', 'b/#', 'c/#'])
    expect(told.map(({ code }) => code)).not.toContain('subscription-refused')
  })

  it('for which the broker closes the connection are not asked for again', async () => {
    const { url, asked } = await startBroker('closes', 'b/#')
    const { connection } = connectTo(url)
    await vi.waitFor(() => expect(connection.status().further).toEqual({ granted: ['a/#', 'c/#'], declined: ['b/#'] }))
    expect(connection.status().code).toBe('connected')
    expect(connection.session().connects).toBe(2)
    expect(asked.filter(topic => topic === 'b/#')).toHaveLength(1)
  })
})
