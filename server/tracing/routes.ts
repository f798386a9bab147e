import { findRule, isForPrograms } from '#shared/api/access'

/** The pages, as their files in `pages/` are called. */
export const PAGE_ROUTES = [
  '/', '/account', '/accounts', '/audit', '/configuration', '/devices/{deviceId}', '/doctor', '/login', '/rejections', '/share', '/storage',
  '/topics', '/wall', '/welcome',
] as const

/** Methods that may appear in a span; all others are replaced by one. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']

const NAME_OF_DEVICE = /^\/devices\/[^/]+$/

/** The name of a request in a trace: never from the client's address. */
export interface TracedRequest {
  /** `GET /api/sensors/{deviceId}`; where there is no such route, `GET`. */
  name: string
  method: string
  /** Undefined: the API has none that fits. */
  route: string | undefined
}

/** Undefined: it is none that is traced, for it is no question of the API and no page: scripts, styles, pictures, and whatever is not there. */
export function tracedRequest(method: string, path: string): TracedRequest | undefined {
  const called = METHODS.includes(method) ? method : '_OTHER'
  // HEAD is answered as GET.
  const route = isForPrograms(path) ? findRule(called === 'HEAD' ? 'GET' : called, path)?.key.split(' ')[1] : pageRoute(path)
  if (route === undefined && !isForPrograms(path)) return undefined
  const verb = called === '_OTHER' ? 'HTTP' : called
  return { name: route === undefined ? verb : `${verb} ${route}`, method: called, route }
}

function pageRoute(path: string): string | undefined {
  const asked = path.replace(/(?<=.)\/$/, '')
  return NAME_OF_DEVICE.test(asked) ? '/devices/{deviceId}' : PAGE_ROUTES.find(route => route === asked)
}
