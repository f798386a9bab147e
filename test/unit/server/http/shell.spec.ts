import { once } from 'node:events'
import { Server } from 'node:http'
import { ErrorAnswerSchema } from '#shared/schemas/error'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createRejectedRequests } from '../../../../server/http/rejected-requests'
import { createRequestGuard } from '../../../../server/http/request-guard'
import type { RequestGuardOptions } from '../../../../server/http/request-guard'
import { connectRaw, request, UPGRADE } from './support'

const OPTIONS = { hosts: [], origins: ['https://intranet.example'], trustedProxies: [], frameAncestors: ['none'], baseURL: '/', headerBytes: 4_096, headerSeconds: 1, requestSeconds: 2, maxConnections: 100 }

/** A server behind the door that answers with what it has read. */
async function startServer(options: Partial<RequestGuardOptions> = {}) {
  const lines: string[] = []
  const refusals = createRejectedRequests(line => lines.push(line))
  const shell = createRequestGuard({ ...OPTIONS, refusals, ...options })
  const server = new Server(shell.serverOptions)
  shell.guard(server, (req, res) => {
    if (req.url === '/unread') return void res.end('done')
    let bytes = 0
    req.on('data', (chunk: Buffer) => { bytes += chunk.length })
    req.on('end', () => res.end(JSON.stringify({ bytes, address: req.headers['x-forwarded-for'] })))
  }, (_req, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const ask = async (headers: Record<string, string> = {}, method = 'GET', path = '/', body = '') => {
    const client = await connectRaw(port, request(path, { Connection: 'close', ...headers, ...(body && { 'Content-Length': String(body.length) }) }, method) + body)
    return client.ended
  }
  return { port, ask, refused: refusals.report, lines }
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])
}

function codeOf(answer: string): string {
  return ErrorAnswerSchema.parse(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).error.code
}

describe('a request', () => {
  it.each(['evil.example', 'evil.example:3000', 'localhost.evil.example'])('under the name %s is not answered', async (Host) => {
    const { ask, refused, lines } = await startServer()
    const answer = await ask({ Host })
    expect([statusOf(answer), codeOf(answer)]).toEqual([421, 'host-foreign'])
    await ask({ Host })
    expect(refused()).toEqual({ 'host-foreign': 2 })
    expect(lines).toEqual([expect.stringContaining('NUXT_SECURITY_HOSTS')])
    expect(statusOf(await ask())).toBe(200)
  })

  it.each(['/../etc/passwd', '/..', '/a/../../b', '/%2e%2e/x', '/.%2E%2fetc', '/_nuxt/..%5cx', '/..\\x'])('for %s leads out, and is not answered', async (path) => {
    const { ask, refused } = await startServer()
    const answer = await ask({}, 'GET', path)
    expect([statusOf(answer), codeOf(answer)]).toEqual([404, 'path-foreign'])
    expect(refused()).toEqual({ 'path-foreign': 1 })
  })

  it.each(['/a..b', '/..a', '/api/devices/a..', '/...', '/?q=/../x', '/api/sensors/%2e', '/x%2f..%2fy'])('for %s has a name in which there are dots, no more', async (path) => {
    const { ask, refused } = await startServer()
    expect(statusOf(await ask({}, 'GET', path))).toBe(200)
    expect(refused()).toEqual({})
  })

  it('without a name comes from no browser', async () => {
    const { port } = await startServer()
    expect(statusOf(await (await connectRaw(port, 'GET / HTTP/1.0\r\n\r\n')).ended)).toBe(200)
  })

  it.each(['http://evil.example/', '*'])('for the address %s is none', async (path) => {
    const { ask, refused } = await startServer()
    const answer = await ask({}, 'OPTIONS', path)
    expect([statusOf(answer), codeOf(answer)]).toEqual([400, 'request-malformed'])
    expect(refused()).toEqual({ 'request-malformed': 1 })
  })

  const foreign: Record<string, string>[] = [
    { Origin: 'https://evil.example' },
    { Origin: 'http://localhost:1' },
    { Origin: 'null' },
    { Origin: '' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site', 'Origin': 'http://localhost' },
    { Origin: 'https://intranet.example.evil.example' },
  ]
  it.each(foreign)('that would change something is refused to a page elsewhere: %o', async (headers) => {
    const { ask, refused } = await startServer()
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await ask(headers, method, '/', '{}')
      expect([statusOf(answer), codeOf(answer)]).toEqual([403, 'origin-foreign'])
    }
    expect(refused()).toEqual({ 'origin-foreign': 4 })
    expect(statusOf(await ask(headers))).toBe(200)
  })

  const ours: Record<string, string>[] = [
    {},
    { Origin: 'http://localhost' },
    { 'Origin': 'https://localhost', 'Sec-Fetch-Site': 'same-origin' },
    { 'Sec-Fetch-Site': 'none' },
    { 'Origin': 'https://intranet.example', 'Sec-Fetch-Site': 'cross-site' },
    { Origin: 'http://127.0.0.1:3000', Host: '127.0.0.1:3000' },
  ]
  it.each(ours)('that would change something is taken from ourselves, programs and those that are named: %o', async (headers) => {
    const { ask, refused } = await startServer()
    expect(await ask(headers, 'PUT', '/', '{}')).toContain('"bytes":2')
    expect(refused()).toEqual({})
  })

  it('comes from where a trusted proxy says', async () => {
    const headers = { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'leitstand.example', 'Origin': 'https://leitstand.example' }
    const trusting = await startServer({ trustedProxies: ['loopback'], hosts: ['leitstand.example'] })
    const answer = await trusting.ask(headers, 'PUT')
    expect(answer).toContain('"address":"203.0.113.9"')
    expect(answer).toMatch(/strict-transport-security: max-age=\d{8}/i)
    const strict = await startServer({ hosts: ['leitstand.example'] })
    expect(codeOf(await strict.ask(headers, 'PUT'))).toBe('origin-foreign')
    expect(await strict.ask(headers)).not.toMatch(/strict-transport-security/i)
  })

  it('is answered with what browsers have to know, also when it is refused', async () => {
    const { ask } = await startServer({ frameAncestors: ['self', 'https://intranet.example'] })
    for (const answer of [await ask(), await ask({ Host: 'evil.example' }), await ask({ Origin: 'null' }, 'PUT')]) {
      expect(answer).toContain('frame-ancestors \'self\' https://intranet.example\r\n')
      expect(answer).toMatch(/^x-content-type-options: nosniff\r$/im)
      expect(answer).toMatch(/^referrer-policy: same-origin\r$/im)
    }
  })
})

describe('a socket', () => {
  it('is opened at its path', async () => {
    const { ask, refused } = await startServer()
    expect(statusOf(await ask({ ...UPGRADE, Origin: 'http://localhost' }, 'GET', '/ws/events?after='))).toBe(101)
    expect(refused()).toEqual({})
  })

  it.each([
    ['/', {}, 404, 'upgrade-foreign'],
    ['/ws/events/', {}, 404, 'upgrade-foreign'],
    ['/ws/eventsx', {}, 404, 'upgrade-foreign'],
    ['//evil.example/ws/events', {}, 404, 'upgrade-foreign'],
    ['/api/sensors', {}, 404, 'upgrade-foreign'],
    ['http://localhost/ws/events', {}, 400, 'request-malformed'],
    ['/ws/events', { Origin: 'https://evil.example' }, 403, 'origin-foreign'],
    ['/ws/events', { Origin: 'null' }, 403, 'origin-foreign'],
    ['/ws/events', { Host: 'evil.example', Origin: 'http://evil.example' }, 421, 'host-foreign'],
  ])('at %s with %o is refused, and the connection closed', async (path, headers, status, code) => {
    const { ask, refused } = await startServer()
    const answer = await ask({ ...UPGRADE, ...headers }, 'GET', path)
    expect([statusOf(answer), codeOf(answer)]).toEqual([status, code])
    expect(refused()).toEqual({ [code]: 1 })
  })
})

describe('the question whether a socket may be opened', () => {
  it.each<[Record<string, string>, number]>([
    [{ Origin: 'http://localhost' }, 204],
    [{ 'Origin': 'http://localhost', 'Sec-Fetch-Site': 'same-origin' }, 204],
    [{ 'Origin': 'http://localhost:1', 'Sec-Fetch-Site': 'same-origin' }, 403],
    [{ 'Origin': 'http://localhost', 'Sec-Fetch-Site': 'same-site' }, 403],
    [{ Host: 'evil.example', Origin: 'http://evil.example' }, 421],
  ])('of a page with %o is answered with %i', async (headers, status) => {
    const { ask } = await startServer()
    expect(statusOf(await ask(headers, 'POST', '/ws/events?device='))).toBe(status)
  })
})

describe('a limit', () => {
  it('of the headers', async () => {
    const { ask, refused } = await startServer()
    const answer = await ask({ 'X-Much': 'x'.repeat(OPTIONS.headerBytes) })
    expect([statusOf(answer), codeOf(answer)]).toEqual([431, 'headers-too-large'])
    expect(refused()).toEqual({ 'headers-too-large': 1 })
    expect(statusOf(await ask({ 'X-Much': 'x'.repeat(OPTIONS.headerBytes / 2) }))).toBe(200)
  })

  it('of the time for the headers', async () => {
    const { port, ask, refused } = await startServer()
    const slow = await connectRaw(port, 'GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
    const answer = await slow.ended
    expect([statusOf(answer), codeOf(answer)]).toEqual([408, 'request-too-slow'])
    expect(refused()).toEqual({ 'request-too-slow': 1 })
    expect(statusOf(await ask())).toBe(200)
  })

  it('of the time for the whole request', async () => {
    const { port, refused } = await startServer()
    const slow = await connectRaw(port, `${request('/', { 'Content-Length': '1000' }, 'PUT')}not yet`)
    await slow.ended
    expect(refused()).toEqual({ 'request-too-slow': 1 })
  })

  it('of the time in which nothing at all is said is no fault: browsers connect in advance', async () => {
    const { port, refused } = await startServer()
    expect(await (await connectRaw(port)).ended).toBe('')
    expect(refused()).toEqual({})
  })

  it('of the time for a body that nobody wants', async () => {
    const { port } = await startServer({ requestSeconds: 3_600 })
    const client = await connectRaw(port, `${request('/unread', { 'Content-Length': '1000' }, 'PUT')}not yet`)
    expect(await client.ended).toMatch(/^HTTP\/1\.1 200 .*done$/s)
  })

  it('of connections', async () => {
    const { port, ask, refused } = await startServer({ maxConnections: 1 })
    const first = await connectRaw(port)
    expect(await (await connectRaw(port)).ended).toBe('')
    expect(refused()).toEqual({ 'connections-too-many': 1 })
    first.send(request('/', { Connection: 'close' }))
    await first.ended
    expect(statusOf(await ask())).toBe(200)
  })

  it('of what is a request', async () => {
    const { port, ask, refused } = await startServer()
    for (const said of ['\x16\x03\x01\x02\x00\x01', 'hello\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n']) {
      expect(statusOf(await (await connectRaw(port, said)).ended), said).toBe(400)
    }
    // One of them is answered by Node itself: it has no host.
    expect(refused()).toEqual({ 'request-malformed': 4 })
    expect(statusOf(await ask())).toBe(200)
  })
})
