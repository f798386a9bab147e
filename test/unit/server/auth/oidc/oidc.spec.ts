import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MAX_ANSWER_BYTES } from '../../../../../server/auth/oidc/client'
import { faultFrom } from '../../../../../server/auth/oidc/faults'
import { createHints } from '../../../../../server/auth/oidc/hints'
import { createOidc } from '../../../../../server/auth/oidc/oidc'
import { SettingsSchema } from '../../../../../server/settings'

const { oidc: DEFAULTS } = SettingsSchema.parse({})
const BEGINNING = { redirectUri: 'http://localhost/api/oidc/callback', to: '/', address: '192.0.2.1', cookie: undefined }

/** The room, with something in place of a provider. */
async function openOidc(answer: RequestListener, settings: Partial<typeof DEFAULTS> = {}) {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('no port')
  const issuer = `http://127.0.0.1:${address.port}/realms/plant`
  const clock = { now: 0 }
  const lines: string[] = []
  const oidc = createOidc({ settings: { ...DEFAULTS, issuer, clientId: 'leitstand', roles: 'admins=admin', ...settings }, warn: line => lines.push(line), now: () => clock.now })
  return { oidc, issuer, clock, lines, port: address.port }
}

/** A description of itself as a provider gives it. */
function metadata(issuer: string, more: object = {}): string {
  return JSON.stringify({ issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`, ...more })
}

describe('a provider', () => {
  it.each(['', '/', '/.well-known/openid-configuration', '//'])('is found by its address with “%s” behind it', async (end) => {
    const paths: string[] = []
    const { oidc, issuer, port } = await openOidc((req, res) => {
      paths.push(req.url ?? '')
      res.setHeader('content-type', 'application/json').end(metadata(`http://${req.headers.host}/realms/plant`))
    })
    expect(oidc.label).toBe(`127.0.0.1:${port}`)
    const other = createOidc({ settings: { ...DEFAULTS, issuer: issuer + end, clientId: 'leitstand', scopes: 'profile, groups' }, warn: () => {} })
    const begun = await other.begin(BEGINNING)
    if ('code' in begun) throw new Error(begun.reason)
    expect(begun.url).toContain(`${issuer}/auth?`)
    expect(new URL(begun.url).searchParams.get('scope')).toBe('openid profile groups')
    expect(paths).toEqual(['/realms/plant/.well-known/openid-configuration'])
  })

  it('is asked for its description once an hour, and again at once when it did not answer', async () => {
    let requests = 0
    let isWell = false
    const { oidc, clock } = await openOidc((req, res) => {
      requests++
      res.setHeader('content-type', 'application/json')
      if (isWell) res.end(metadata(`http://${req.headers.host}/realms/plant`))
      else res.writeHead(502).end('{}')
    })
    expect(await oidc.begin(BEGINNING)).toMatchObject({ code: 'provider-down' })
    isWell = true
    await Promise.all(Array.from({ length: 10 }, () => oidc.begin(BEGINNING)))
    expect(requests).toBe(2)
    clock.now = 3_600_000
    await oidc.begin(BEGINNING)
    expect(requests).toBe(3)
  })

  it.each<[string, RequestListener, string, RegExp]>([
    ['is none', (_, res) => { res.writeHead(404).end('nothing') }, 'provider-failed', /404/],
    ['speaks no JSON', (_, res) => { res.setHeader('content-type', 'text/html').end('<html>') }, 'provider-failed', /content-type/],
    ['cuts off', req => req.socket.destroy(), 'provider-down', /fetch failed/],
    ['says without end', (_, res) => { res.setHeader('content-type', 'application/json').end(`"${'x'.repeat(MAX_ANSWER_BYTES)}"`) }, 'provider-failed', /more than 1048576 bytes/],
    ['calls itself otherwise', (_, res) => { res.setHeader('content-type', 'application/json').end(metadata('https://evil.example')) }, 'provider-failed', /calls itself https:\/\/evil\.example/],
    ['leads elsewhere', (_, res) => { res.writeHead(302, { location: 'https://evil.example' }).end() }, 'provider-failed', /302/],
    ['sends people to a script', (req, res) => { res.setHeader('content-type', 'application/json').end(metadata(`http://${req.headers.host}/realms/plant`, { authorization_endpoint: 'javascript:alert(1)' })) }, 'provider-failed', /HTTP/],
  ])('that %s is told of by a code and a reason', async (_, answer, code, reason) => {
    const { oidc, lines } = await openOidc(answer)
    expect(await oidc.begin(BEGINNING)).toMatchObject({ code, reason: expect.stringMatching(reason) })
    expect(lines.join()).toMatch(reason)
  })

  it('is complained of once a minute for each kind of fault', async () => {
    const { oidc, clock, lines } = await openOidc((_, res) => { res.writeHead(503).end() })
    for (let i = 0; i < 3; i++) await oidc.begin(BEGINNING)
    expect(lines).toHaveLength(1)
    clock.now = 60_000
    await oidc.begin(BEGINNING)
    expect(lines).toHaveLength(2)
  })

  it('signs nobody out by a script', async () => {
    const { oidc } = await openOidc((req, res) => {
      res.setHeader('content-type', 'application/json').end(metadata(`http://${req.headers.host}/realms/plant`, { end_session_endpoint: 'javascript:alert(1)' }))
    })
    expect(await oidc.signOutUrl('token', 'http://localhost/login')).toBeNull()
  })
})

describe('a fault', () => {
  it('stays on one line and is no longer than a line', () => {
    const { reason } = faultFrom(Object.assign(new Error('it\r\nfailed\u2028'), { error: 'bad', error_description: `\u001B[31m${'x'.repeat(1_000)}` }))
    expect(reason).toMatch(/^it failed : bad: \[31mx+$/)
    expect(reason).toHaveLength(200)
  })

  it.each([undefined, null, 7, 'text', {}])('may be anything: %j', (error) => {
    expect(faultFrom(error)).toEqual({ code: 'provider-failed', reason: 'nothing is known about it' })
  })
})

describe('ID tokens for signing out', () => {
  it('are few and short', () => {
    const hints = createHints()
    hints.add('long', 'x'.repeat(4_097))
    for (let i = 0; i < 1_001; i++) hints.add(`session-${i}`, 'x'.repeat(4_096))
    expect(hints.size()).toBe(1_000)
    expect([hints.get('long'), hints.get('session-0')]).toEqual([undefined, undefined])
    hints.remove('session-1000')
    expect(hints.get('session-1000')).toBeUndefined()
  })
})
