import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { RULES } from '#shared/api/access'
import { PAGE_ROUTES, tracedRequest } from '../../../../server/tracing/routes'

describe('how a request is called in a trace', () => {
  it.each(Object.keys(RULES))('by its route: %s', (key) => {
    const [verb = '', route = ''] = key.split(' ')
    const method = verb.toUpperCase()
    const asked = route.replaceAll(/\{\w+\}/g, 'press-4711')
    expect(tracedRequest(method, asked)).toEqual(route === '/ws/events' ? undefined : { name: `${method} ${route}`, method, route })
  })

  it('knows all pages', () => {
    const files = readdirSync('pages', { recursive: true }).map(String).filter(name => name.endsWith('.vue') && !name.startsWith('['))
    const routes = files.map(name => `/${name.replace(/\.vue$/, '').replace(/^index$/, '').replaceAll(/\[(\w+)\]/g, '{$1}')}`)
    expect([...PAGE_ROUTES]).toEqual(routes.toSorted())
    for (const route of PAGE_ROUTES) expect(tracedRequest('GET', route.replace('{deviceId}', 'press-4711'))?.name).toBe(`GET ${route}`)
  })

  it.each([
    ['HEAD', '/api/sensors/press-4711', 'HEAD /api/sensors/{deviceId}'],
    ['GET', '/api/sensors/press%2F4711/', 'GET /api/sensors/{deviceId}'],
    ['GET', '/metrics/', 'GET /metrics'],
    ['GET', '/devices/press-4711/', 'GET /devices/{deviceId}'],
    ['DELETE', '/api/sensors/press-4711', 'DELETE'],
    ['GET', '/api/nothing/press-4711', 'GET'],
    ['PRESS-4711', '/api/sensors', 'HTTP'],
    ['GET', '/_nuxt/entry.js', undefined],
    ['GET', '/favicon.svg', undefined],
    ['GET', '/press-4711', undefined],
    ['GET', '/devices/press-4711/more', undefined],
  ])('%s %s: %s', (method, path, name) => {
    expect(tracedRequest(method, path)?.name).toBe(name)
  })
})
