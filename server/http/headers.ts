import type { IncomingHttpHeaders, ServerResponse } from 'node:http'

const HALF_A_YEAR_SECONDS = 15_768_000

/** Browser features that no page here needs. */
const PERMISSIONS = ['accelerometer', 'camera', 'display-capture', 'geolocation', 'gyroscope', 'hid', 'magnetometer', 'microphone', 'midi', 'payment', 'serial', 'usb', 'xr-spatial-tracking']
  .map(feature => `${feature}=()`).join(', ')

/** Headers of every response. `frameAncestors`: who may show the pages in a frame. */
export function createSecurityHeaders(frameAncestors: readonly string[]) {
  const ancestors = frameAncestors.map(source => source.replaceAll('\'', '')).map(source => source === 'none' || source === 'self' ? `'${source}'` : source).join(' ')
  const common = `object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors ${ancestors}`
  // Data, scripts, and the offline page, which has its own style. The service worker runs under the policy it was
  // delivered with: it fetches from here.
  const ofAnything = `default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self'; connect-src 'self'; ${common}`

  return {
    /** For every response; pages get {@link pagePolicy} instead of this policy. */
    apply(headers: IncomingHttpHeaders, res: ServerResponse) {
      hardenCookies(headers, res)
      res.setHeader('Content-Security-Policy', ofAnything)
      res.setHeader('X-Content-Type-Options', 'nosniff')
      res.setHeader('Referrer-Policy', 'same-origin')
      res.setHeader('Permissions-Policy', PERMISSIONS)
      res.setHeader('Cross-Origin-Resource-Policy', 'same-origin')
      if (headers['x-forwarded-proto'] !== 'https') return
      res.setHeader('Strict-Transport-Security', `max-age=${HALF_A_YEAR_SECONDS}`)
      // Elsewhere browsers ignore it, and warn.
      res.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    },
    /**
     * The policy of a page: only our scripts, or scripts with this nonce. Styles are free: icons and colours are
     * written by scripts at run time.
     */
    pagePolicy(nonce: string, { host, 'x-forwarded-proto': protocol }: IncomingHttpHeaders): string {
      // Some browsers do not accept 'self' for sockets. A page over TLS needs no other.
      const schemes = protocol === 'https' ? ['wss'] : ['ws', 'wss']
      const sockets = host === undefined ? '' : schemes.map(scheme => ` ${scheme}://${host}`).join('')
      return `default-src 'none'; script-src 'self' 'nonce-${nonce}'; style-src 'self' 'unsafe-inline'; `
        + `img-src 'self' data: blob:; font-src 'self'; connect-src 'self'${sockets}; manifest-src 'self'; worker-src 'self'; ${common}`
    },
  }
}

/**
 * Modules set cookies with few attributes: behind TLS every cookie becomes Secure, and none is sent from other sites.
 */
function hardenCookies(headers: IncomingHttpHeaders, res: ServerResponse) {
  const { writeHead } = res
  Object.defineProperty(res, 'writeHead', { configurable: true, writable: true, value: (...args: unknown[]) => {
    const cookies = res.getHeader('set-cookie')
    if (!res.headersSent && (typeof cookies === 'string' || Array.isArray(cookies))) res.setHeader('set-cookie', [cookies].flat().map(cookie => hardened(cookie, headers)))
    return Reflect.apply(writeHead, res, args)
  } })
}

function hardened(cookie: string, headers: IncomingHttpHeaders): string {
  const sameSite = /;\s*samesite=/i.test(cookie) ? '' : '; SameSite=Lax'
  const secure = headers['x-forwarded-proto'] !== 'https' || /;\s*secure\b/i.test(cookie) ? '' : '; Secure'
  return cookie + sameSite + secure
}
