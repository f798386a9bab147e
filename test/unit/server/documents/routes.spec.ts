import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ROUTES } from '../../../../server/documents/routes'
import { NOT_BUILT_YET } from './not-built-yet'

const FOLDER = 'server/api'
/** `[...].ts` answers for what does not exist. */
const FILES = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts') && !file.includes('[...'))

/** `sensors/[deviceId].get.ts` -> `get /api/sensors/{deviceId}` */
function routeOf(file: string): string {
  const [, path = '', method] = /^(.+?)(?:\.(get|head|post|put|patch|delete))?\.ts$/.exec(file.replaceAll('\\', '/')) ?? []
  return `${method ?? 'any method'} /api/${path.replace(/(?:^|\/)index$/, '').replaceAll(/\[(\w+)\]/g, '{$1}')}`
}

/** Which is no part of the API. */
const METRICS = 'get /metrics'

const byRoute = new Map(ROUTES.map(route => [`${route.method} ${route.path}`, route]))

describe('the table of routes', () => {
  it.each(FILES)('has an entry for server/api/%s', (file) => {
    expect([...byRoute.keys()]).toContain(routeOf(file))
  })

  it('has no entry for a route that does not exist', () => {
    const files = new Set([...FILES.map(routeOf), ...existsSync('server/routes/metrics.get.ts') ? [METRICS] : []])
    const missing = [...byRoute].filter(([key]) => !files.has(key)).map(([, { path }]) => path)
    expect(missing.filter(path => !NOT_BUILT_YET.includes(path))).toEqual([])
  })

  it('has an entry for what Prometheus asks', () => {
    expect([...byRoute.keys()]).toContain(METRICS)
  })

  it.each(FILES)('names the query that server/api/%s reads', (file) => {
    const text = readFileSync(`${FOLDER}/${file}`, 'utf8')
    const [, read] = /requireQuery\(event, (\w+)Schema\)/.exec(text) ?? (text.includes('readStreamQuery(') ? ['', 'StreamQuery'] : [])
    expect(byRoute.get(routeOf(file))?.query?.schema).toBe(read)
  })

  it('gives every route a name of its own', () => {
    expect(new Set(ROUTES.map(({ id }) => id)).size).toBe(ROUTES.length)
  })
})
