// Owns the attacks: what a stranger (or, where that is said, somebody with the least role) sends, and by which reason it is turned away.
import { randomInt } from 'node:crypto'
import type { RefusalReason } from '#shared/schemas/refusal'

export interface Attack {
  /** Connections a second in the bench. */
  perSecond: number
  /** By which it is counted in `refused` of `GET /api/health`. */
  reason: RefusalReason
  /** What is said on a connection of its own; `token` lets in a viewer. */
  said: (token: string) => Buffer | string
  /** What is said once something has been heard. */
  afterwards?: Buffer
  /** What follows, bit by bit: so much every so many milliseconds, until the other side ends it. */
  drip?: { bytes: string, everyMs: number }
}

const ELSEWHERE = 'https://evil.example'
const UPGRADE = { 'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': `${'A'.repeat(22)}==` }
const MASKED_PING = '898000000000'
/** A text of 70,000 bytes, which is more than a frame may have, masked with nothing. */
const LARGE_FRAME = Buffer.concat([Buffer.from('81ff000000000001117000000000', 'hex'), Buffer.alloc(70_000, 'x')])
const MOST_HEADERS = 1_000
const LARGE_BODY = 200_000

function request(line: string, headers: Record<string, string> = {}, body = ''): string {
  const all = { Host: 'localhost', Connection: 'close', ...(body && { 'Content-Length': String(Buffer.byteLength(body)) }), ...headers }
  return `${line} HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
}

/** One that no other attempt has: a proxy that is believed says so. */
function anyAddress(): string {
  return `198.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`
}

const guess = (name: string, address: string) => request('POST /api/session', { 'X-Forwarded-For': address, 'Content-Type': 'application/json' }, JSON.stringify({ name, password: `guess ${randomInt(1e9)}` }))
/** A stream of a device that is not there: what costs is what comes then. */
const stream = (token: string) => request('GET /ws/events?device=none', { ...UPGRADE, Authorization: `Bearer ${token}` })

export const ATTACKS: Record<string, Attack> = {
  'cross-site sockets': { perSecond: 300, reason: 'origin-foreign', said: () => request('GET /ws/events', { ...UPGRADE, Origin: ELSEWHERE }) },
  'sockets on other paths': { perSecond: 300, reason: 'upgrade-foreign', said: () => request('GET /_nuxt/', UPGRADE) },
  'a foreign name (rebinding)': { perSecond: 300, reason: 'host-foreign', said: () => request('GET /api/sensors', { Host: 'evil.example' }) },
  'forged changes (CSRF)': { perSecond: 300, reason: 'origin-foreign', said: () => request('DELETE /api/devices/d0', { Origin: ELSEWHERE }) },
  'guesses, one address': { perSecond: 300, reason: 'logins-too-many', said: () => guess('admin', '198.51.100.1') },
  'guesses, many addresses and names': { perSecond: 100, reason: 'logins-too-many', said: () => guess(`user-${randomInt(1e9)}`, anyAddress()) },
  'paths that lead out': { perSecond: 300, reason: 'path-foreign', said: () => request(`GET /${['..', '%2e%2e', '_nuxt/..', '_nuxt/%2E.'][randomInt(4)]}%2f../etc/passwd`, { Accept: 'text/html' }) },
  'headers without end': { perSecond: 100, reason: 'headers-too-large', said: () => request('GET /', Object.fromEntries(Array.from({ length: MOST_HEADERS }, (_, n) => [`X-${n}`, 'x'.repeat(20)]))) },
  'an endless query': { perSecond: 100, reason: 'headers-too-large', said: token => request(`GET /api/sensors?q=${'x'.repeat(40_000)}`, { Authorization: `Bearer ${token}` }) },
  'bodies that are too large': { perSecond: 100, reason: 'body-too-large', said: () => request('POST /api/session', {}, 'x'.repeat(LARGE_BODY)) },
  'large bodies that do not say so': { perSecond: 100, reason: 'body-too-large', said: () => request('POST /api/session', { 'Transfer-Encoding': 'chunked' }) + `10000\r\n${'x'.repeat(65_536)}\r\n` },
  'headers bit by bit': { perSecond: 100, reason: 'request-too-slow', said: () => 'GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ', drip: { bytes: 'x', everyMs: 500 } },
  'bodies bit by bit': { perSecond: 100, reason: 'request-too-slow', said: () => request('POST /api/session', { 'Content-Length': '5000' }), drip: { bytes: ' ', everyMs: 500 } },
  'a flood of frames': { perSecond: 20, reason: 'frames-too-many', said: stream, afterwards: Buffer.from(MASKED_PING.repeat(1_000), 'hex') },
  'frames that are too large': { perSecond: 50, reason: 'frame-too-large', said: stream, afterwards: LARGE_FRAME },
  'no HTTP at all': { perSecond: 300, reason: 'request-malformed', said: () => 'EHLO evil.example\r\n\r\n' },
}
