import type { IncomingMessage } from 'node:http'
import { otherHostsOf } from './forwarded'

const DEFAULT_PORTS: Record<string, string> = { 'http:': '80', 'https:': '443' }

/**
 * Why the page that sent a request belongs to another site; undefined: it is ours, one of `allowed`, or no page at
 * all.
 */
export function foreignOriginOf(request: IncomingMessage, allowed: ReadonlySet<string>): string | undefined {
  const { origin, host = '', 'sec-fetch-site': site } = request.headers
  if (origin !== undefined && allowed.has(origin)) return undefined
  const isSameSite = site === undefined || site === 'same-origin' || site === 'none'
  if (isSameSite && (origin === undefined || isFrom(origin, host.toLowerCase()) || hasLostPort(request, origin))) return undefined
  return `The page of another site may not change anything here: it says that it is from ${shown(origin)}, and the request is for ${shown(host)}. `
    + 'If both are this application, the proxy in front has to pass on the Host header with its port (nginx: proxy_set_header Host $http_host). '
    + 'If it is another site that may, add its address to NUXT_SECURITY_ORIGINS.'
}

/** The port of the protocol may be written, or left out. */
function isFrom(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false
  const { host: from, hostname, port, protocol } = new URL(origin)
  return from === host || (port === '' && host === `${hostname}:${DEFAULT_PORTS[protocol]}`)
}

/**
 * A trusted proxy has forwarded the name alone, so the port of the page is unknown. The browser's `Sec-Fetch-Site`,
 * which no page can write, distinguishes our page from one at another port of this name; without it only a page at
 * the protocol's own port is ours.
 */
function hasLostPort(request: IncomingMessage, origin: string): boolean {
  const others = otherHostsOf(request)
  if (!others || !URL.canParse(origin)) return false
  const { host, hostname, port } = new URL(origin)
  return host === others.asked || (hostname === others.name && (port === '' || request.headers['sec-fetch-site'] === 'same-origin'))
}

function shown(text: string | undefined): string {
  return text === undefined ? 'elsewhere' : `“${text.slice(0, 200)}”`
}
