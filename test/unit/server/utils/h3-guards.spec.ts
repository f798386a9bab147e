import { once } from 'node:events'
import { createServer } from 'node:http'
import { createApp, defineEventHandler, getQuery, toNodeListener } from 'h3'
import { expect, it, onTestFinished } from 'vitest'
import { pathSegmentAfter, prepareRouting } from '../../../../server/utils/h3-guards'

/** An application that answers with what its handlers come to see. */
async function startApp() {
  const app = createApp().use(defineEventHandler((event) => {
    const nitro: unknown = event.context.nitro
    return { method: event.method, name: pathSegmentAfter(event, '/api/sensors/'), query: getQuery(event), nitro }
  }))
  prepareRouting(app, { public: { setting: 1 } })
  const server = createServer(toNodeListener(app)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => { server.close() })
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return async (path: string): Promise<unknown> => (await fetch(`http://127.0.0.1:${port}${path}`)).json()
}

it('hands the settings to the requests of the API, and only to them', async () => {
  const ask = await startApp()
  expect(await ask('/api/sensors')).toMatchObject({ nitro: { errors: [], runtimeConfig: { public: { setting: 1 } } } })
  expect(await ask('/devices')).not.toHaveProperty('nitro')
})

it('keeps an encoded question mark in a name and in a query', async () => {
  const ask = await startApp()
  expect(await ask('/api/sensors/what%3F?q=a%3Fb&q=100%25')).toMatchObject({ name: 'what?', query: { q: ['a?b', '100%'] } })
})
