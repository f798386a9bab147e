import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Routes that come with Nuxt: scripts, translations, errors; `/**` are the pages. */
const FRAMEWORK = ['/__nuxt_error', '/_i18n/:hash/:locale/messages.json', '/__nuxt_island/**', '/**', '/api/**']

/** The handlers of the built server, as it has them itself: `get /api/sensors/{deviceId}`. */
export function builtRoutes(): string[] {
  const folder = '.output/server/chunks/nitro'
  const source = readdirSync(folder).filter(name => name.endsWith('.mjs')).map(name => readFileSync(join(folder, name), 'utf8')).join('\n')
  const found = [...source.matchAll(/\{ route: '([^']*)', handler: \w+, lazy: \w+, middleware: (\w+), method: (?:"(\w+)"|undefined) \}/g)]
  return found.filter(([, route = '', isMiddleware]) => isMiddleware === 'false' && !FRAMEWORK.includes(route))
    .map(([, route = '', , method]) => `${method ?? (route.startsWith('/ws/') ? 'get' : 'any method')} ${route.replaceAll(/:(\w+)/g, '{$1}')}`)
}
