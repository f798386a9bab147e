import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { StreamRequestSchema } from '#shared/schemas/events'
import { startApp } from './support/app'
import { connectDevice } from './support/broker'
import { closeBrowser, openPage } from './support/browser'
import { findBrowser } from './support/dependencies'
import { until } from './support/until'

const DEVICES = 1_200
const browser = await findBrowser().catch(() => undefined)
afterAll(closeBrowser)

const RequestTextSchema = z.string().transform(text => StreamRequestSchema.parse(JSON.parse(text)))

async function startSite() {
  const app = await startApp()
  const { broker } = await app.untilBroker('connected')
  const device = await connectDevice(broker.url, { protocolVersion: 4 })
  const publish = (n: number, tempC: number) => device.publishAsync(`sensors/d-${n}/telemetry`, JSON.stringify({ metrics: { tempC } }), { qos: 1 })
  await Promise.all(Array.from({ length: DEVICES }, (_, n) => publish(n, 1)))
  await until(async () => (await app.health()).devices === DEVICES || undefined, 'all devices')
  return { app, publish }
}

describe.skipIf(!browser)('the overview of a large fleet that says much', () => {
  it('asks for the rows in sight, follows the scrolling without another connection, and knows of the rest', async () => {
    const { app, publish } = await startSite()
    const page = await openPage(`${app.url}/?sort=name`)
    const addresses: string[] = []
    const wanted: (readonly string[] | null)[] = []
    page.on('websocket', (socket) => {
      addresses.push(socket.url())
      socket.on('framesent', ({ payload }) => {
        const request = RequestTextSchema.parse(payload)
        if (request.type === 'subscribe') wanted.push(request.devices ?? null)
      })
    })
    await page.reload()
    await page.getByTestId('device').first().waitFor()
    while (wanted.length === 0) await Promise.all(Array.from({ length: 1_000 }, (_, i) => publish(i % 100, i)))
    expect(addresses.map(address => new URL(address).searchParams.get('mode'))).toEqual([null, 'latest'])
    expect(wanted[0]).toContain('d-0')
    expect(wanted[0]?.length).toBeLessThan(100)

    await publish(0, -7.5)
    await page.getByText('-7.5 °C').waitFor()
    await publish(DEVICES - 1, -8.5)
    await page.getByTestId('fleet-scroller').evaluate(list => list.scrollTo(0, list.scrollHeight))
    await page.getByText('-8.5 °C').waitFor()
    await until(() => wanted.at(-1)?.includes(`d-${DEVICES - 1}`) || undefined, 'the last row to be asked for')
    await publish(600, -9.5)
    await page.getByRole('searchbox').fill('-9.5')
    await page.getByRole('link', { name: 'd-600', exact: true }).waitFor()
    expect(addresses).toHaveLength(2)
  })
})
