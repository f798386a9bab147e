// The rules of Mozilla's HTTP Observatory (MDN, as of 2026) for one answer behind TLS, each with what it takes off the score. What only
// a look from outside can tell (certificate, preload list) is left out.

/** A page as the Observatory sees it. */
export interface Seen {
  /** With `https:`. */
  url: URL
  headers: Headers
  html: string
}

/** A rule that an answer breaks; `modifier` is what the score loses. */
export interface Finding { rule: string, modifier: number, why: string }

const BROAD = new Set(['ftp:', 'http:', 'https:', '*', 'http://*', 'http://*.*', 'https://*', 'https://*.*'])
const INLINE = new Set(['\'unsafe-inline\'', 'data:'])
const SHORTEST_MAX_AGE = 15_552_000
const PRIVATE_REFERRERS = new Set(['no-referrer', 'same-origin', 'strict-origin', 'strict-origin-when-cross-origin'])

type Rule = (seen: Seen) => (Finding | false)[]

const finding = (rule: string, modifier: number, why: string): Finding => ({ rule, modifier, why })

/** Sources by directive; undefined when a directive stands there twice. */
function policyOf(header: string): Map<string, string[]> | undefined {
  const directives = header.split(';').map(part => part.trim().toLowerCase().split(/\s+/)).filter(([name]) => name)
  const policy = new Map(directives.map(([name = '', ...sources]) => [name, sources]))
  return policy.size === directives.length ? policy : undefined
}

const contentSecurityPolicy: Rule = ({ headers }) => {
  const rule = 'content-security-policy'
  const header = headers.get(rule)
  if (!header) return [finding(rule, -25, 'there is none')]
  const policy = policyOf(header)
  if (!policy) return [finding(rule, -25, 'a directive stands there twice')]
  const sourcesOf = (...names: string[]) => names.map(name => policy.get(name)).find(Boolean) ?? ['*']
  const isMarked = (source: string) => /^'(?:nonce|sha256|sha384|sha512)-/.test(source)
  const scripts = sourcesOf('script-src', 'default-src')
  const isInline = (source: string) => INLINE.has(source) && !(source === '\'unsafe-inline\'' && scripts.some(isMarked))
  const all = [...policy.values()].flat()
  return [
    scripts.some(source => BROAD.has(source) || isInline(source)) && finding(rule, -20, `scripts from ${scripts.join(' ')}`),
    sourcesOf('object-src', 'default-src').some(source => BROAD.has(source)) && finding(rule, -20, 'objects from anywhere'),
    all.some(source => /^(?:http|ftp|ws):/.test(source)) && finding(rule, -20, 'something may come without TLS'),
    all.includes('\'unsafe-eval\'') && finding(rule, -10, 'code of text'),
    sourcesOf('base-uri').some(source => BROAD.has(source) || INLINE.has(source)) && finding(rule, 0, 'any base address'),
    sourcesOf('form-action').some(source => BROAD.has(source)) && finding(rule, 0, 'forms go anywhere'),
  ]
}

/** Styles are the one thing that may be inline without a loss. */
const cookies: Rule = ({ headers }) => headers.getSetCookie().flatMap((cookie) => {
  const [pair = '', ...attributes] = cookie.toLowerCase().split(';').map(part => part.trim())
  const [name = ''] = pair.split('=')
  const isSession = /login|sess/.test(name)
  const sameSite = attributes.find(attribute => attribute.startsWith('samesite'))
  return [
    !attributes.includes('secure') && finding('cookies', isSession ? -40 : -20, `${name} goes without TLS`),
    isSession && !attributes.includes('httponly') && finding('cookies', -30, `${name} is read by scripts`),
    !/^samesite=(?:lax|strict)$/.test(sameSite ?? '') && finding('cookies', -20, `${name} goes along from other sites`),
  ]
})

const crossOrigin: Rule = ({ headers }) => [
  headers.has('access-control-allow-origin') && finding('cross-origin-resource-sharing', -50, 'other sites may read it'),
  !/^same-(?:origin|site)$/.test(headers.get('cross-origin-resource-policy') ?? '') && finding('cross-origin-resource-policy', -50, 'other sites may embed it'),
]

const redirection: Rule = ({ url, headers }) => {
  const location = headers.get('location')
  if (location === null) return []
  const { protocol, host } = new URL(location, url)
  return [
    protocol !== 'https:' && finding('redirection', -20, `it leads to ${protocol}`),
    host !== url.host && finding('redirection', -5, `it leads to ${host}`),
  ]
}

const referrerPolicy: Rule = ({ headers }) => {
  const [last = ''] = (headers.get('referrer-policy') ?? '').split(',').map(part => part.trim()).reverse()
  return [!PRIVATE_REFERRERS.has(last) && finding('referrer-policy', -5, last || 'there is none')]
}

const strictTransportSecurity: Rule = ({ headers }) => {
  const [, seconds] = /^max-age=(\d+)(?:;|$)/.exec(headers.get('strict-transport-security') ?? '') ?? []
  return [Number(seconds ?? 0) < SHORTEST_MAX_AGE && finding('strict-transport-security', -20, seconds === undefined ? 'there is none' : `for ${seconds} s`)]
}

const subresourceIntegrity: Rule = ({ url, html }) => [...html.matchAll(/<script\b[^>]*\ssrc="([^"]+)"[^>]*>/g)].map(([tag, src = '']) =>
  new URL(src, url).origin !== url.origin && !/\sintegrity="/.test(tag) && finding('subresource-integrity', -50, `${src} comes from elsewhere`))

const contentType: Rule = ({ headers }) => [headers.get('x-content-type-options') !== 'nosniff' && finding('x-content-type-options', -5, 'the type may be guessed')]

const frames: Rule = ({ headers }) => {
  const ancestors = policyOf(headers.get('content-security-policy') ?? '')?.get('frame-ancestors') ?? ['*']
  const isOpen = ancestors.some(source => BROAD.has(source)) && !/^(?:deny|sameorigin)$/i.test(headers.get('x-frame-options') ?? '')
  return [isOpen && finding('x-frame-options', -20, 'anybody may frame it')]
}

const RULES: readonly Rule[] = [contentSecurityPolicy, cookies, crossOrigin, redirection, referrerPolicy, strictTransportSecurity, subresourceIntegrity, contentType, frames]

/** Every rule that an answer breaks. */
export function observe(seen: Seen): Finding[] {
  return RULES.flatMap(rule => rule(seen)).filter(found => found !== false)
}

/** `<script>` elements that the policy of their page does not name. */
export function scriptsWithoutNonce({ headers, html }: Seen): string[] {
  const [, nonce] = /'nonce-([^']+)'/.exec(headers.get('content-security-policy') ?? '') ?? []
  return (html.match(/<script\b[^>]*>/g) ?? []).filter(tag => nonce === undefined || !tag.includes(` nonce="${nonce}"`))
}
