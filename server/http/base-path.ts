import type { IncomingMessage } from 'node:http'

/**
 * If the pages are below a path, a proxy may forward requests with or without that path: without it, the path is
 * added. The path alone, without its slash, is the first page as well. `baseURL` begins and ends with a slash.
 */
export function createBasePath(baseURL: string) {
  const bare = baseURL.slice(0, -1)
  return (request: IncomingMessage) => {
    const { url = '' } = request
    if (bare === '' || !url.startsWith('/') || url.startsWith(baseURL)) return
    const isBare = url === bare || url.startsWith(`${bare}?`)
    request.url = isBare ? baseURL + url.slice(bare.length) : bare + url
  }
}
