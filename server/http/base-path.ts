import type { IncomingMessage } from 'node:http'

/**
 * Where the pages lie below a path, a proxy may hand requests on as they came, or without that path: the second kind gets it back. The path
 * alone, without its slash, is the first page as well. `baseURL` begins and ends with a slash.
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
