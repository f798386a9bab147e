// deploy/cluster/nginx.conf in a real nginx, before small servers that say who they are.
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { connect, createServer } from 'node:net'
import type { Server as TcpServer, Socket } from 'node:net'
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { findNginx, renderNginx, startNginx } from '../../../../tools/programs/nginx'

type Answer = (request: IncomingMessage, response: ServerResponse, name: string) => void
interface Replica { name: string, port: number, requests: string[], sockets: Set<Socket>, die: () => Promise<void>, revive: () => Promise<void> }

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Answers with its name; a WebSocket is told the name and then what it has said itself. */
async function startReplica(name: string, answer: Answer = (_request, response) => response.end(name)): Promise<Replica> {
  const requests: string[] = []
  const server = createHttpServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    answer(request, response, name)
  })
  const hub = new WebSocketServer({ server })
  hub.on('connection', (socket) => {
    socket.send(name)
    socket.on('message', data => socket.send(data))
  })
  const sockets = new Set<Socket>()
  server.on('connection', socket => sockets.add(socket.once('close', () => sockets.delete(socket))))
  const port = await listen(server, 0)
  const die = () => close(server, sockets)
  ends.push(async () => { if (server.listening) await die() })
  return { name, port, requests, sockets, die, revive: async () => void await listen(server, port) }
}

async function listen(server: Server | TcpServer, port: number): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('no port')
  return address.port
}

async function close(server: Server | TcpServer, sockets: Set<Socket>) {
  server.close()
  for (const socket of sockets) socket.destroy()
  await once(server, 'close')
}

async function startSite(names: readonly string[] = ['a', 'b', 'c'], answer?: Answer) {
  const replicas: Replica[] = []
  for (const name of names) replicas.push(await startReplica(name, answer))
  const balancer = await startNginx({ replicas: replicas.map(({ port }) => port) })
  ends.push(balancer.stop)
  const ask = async (path = '/', init: RequestInit = {}) => {
    const response = await fetch(`${balancer.url}${path}`, init)
    return { status: response.status, text: await response.text(), headers: response.headers }
  }
  const named = (name: string) => replicas.filter(replica => replica.name === name)[0] ?? fail(name)
  return { balancer, replicas, ask, named }
}

function fail(name: string): never {
  throw new Error(`There is no replica ${name}.`)
}

async function openSocket(url: string) {
  const socket = new WebSocket(url.replace('http', 'ws'))
  const said: string[] = []
  const waiting: (() => void)[] = []
  socket.on('message', (data) => {
    said.push(String(data))
    waiting.splice(0).forEach(go => go())
  })
  socket.on('error', () => {})
  ends.push(async () => socket.terminate())
  const next = async (): Promise<string> => {
    while (said.length === 0) await new Promise<void>(resolve => waiting.push(resolve))
    return said.shift() ?? ''
  }
  return { socket, next }
}

describe.skipIf(!findNginx())('the load balancer', () => {
  it('gives each replica its turn', async () => {
    const { ask } = await startSite()
    const texts = []
    for (let i = 0; i < 6; i++) texts.push((await ask()).text)
    expect(texts.slice(0, 3).sort()).toEqual(['a', 'b', 'c'])
    expect(texts.slice(3)).toEqual(texts.slice(0, 3))
  })

  it('leaves out a replica that died, without anybody noticing, and takes it back', async () => {
    const { ask, named } = await startSite()
    const dead = named('b')
    await dead.die()
    const texts: string[] = []
    for (let i = 0; i < 12; i++) texts.push((await ask()).text)
    expect(texts).not.toContain('b')
    expect(new Set(texts)).toEqual(new Set(['a', 'c']))
    await dead.revive()
    while ((await ask()).text !== 'b');
  })

  it('asks another when one ends in the middle of a question', async () => {
    const { ask, replicas } = await startSite(['a', 'b'], (_request, response, name) => {
      if (name === 'a') response.destroy()
      else response.end(name)
    })
    for (let i = 0; i < 4; i++) expect(await ask()).toMatchObject({ status: 200, text: 'b' })
    expect(replicas[0]?.requests).toHaveLength(2)
  })

  it('never sends twice what changes something', async () => {
    const { ask, replicas } = await startSite(['a', 'b'], (request, response) => request.resume().on('end', () => response.destroy()))
    expect(await ask('/api/accounts', { method: 'POST', body: '{}' })).toMatchObject({ status: 503 })
    expect(replicas.flatMap(({ requests }) => requests)).toEqual(['POST /api/accounts'])
  })

  it('sends it to another replica when it has reached none', async () => {
    const { ask, named } = await startSite(['a', 'b'])
    await named('a').die()
    for (let i = 0; i < 4; i++) expect(await ask('/api/accounts', { method: 'POST', body: '{}' })).toMatchObject({ status: 200, text: 'b' })
  })

  it('takes a status for an answer: nobody is left out for a 503, or everybody would be at once', async () => {
    const { ask, replicas } = await startSite(['a', 'b', 'c'], (request, response, name) => {
      response.statusCode = request.url === '/api/health' ? 503 : 200
      response.end(name)
    })
    expect(await ask('/api/health')).toMatchObject({ status: 503, text: 'a' })
    expect(replicas.flatMap(({ requests }) => requests)).toHaveLength(1)
    for (let i = 0; i < 3; i++) expect((await ask()).status).toBe(200)
    expect(replicas.map(({ requests }) => requests.filter(request => request === 'GET /').length)).toEqual([1, 1, 1])
  })

  it('leads back to the same replica who signs in at a provider, as long as it is there', async () => {
    const { ask, named } = await startSite()
    const signIn = async (address: string) => (await ask('/api/oidc/callback?code=x', { headers: { 'x-forwarded-for': address } })).text
    const addresses = Array.from({ length: 30 }, (_, i) => `192.0.2.${i}`)
    const first = new Map<string, string>()
    for (const address of addresses) first.set(address, await signIn(address))
    expect(new Set(first.values())).toEqual(new Set(['a', 'b', 'c']))
    for (const address of addresses) expect(await signIn(address)).toBe(first.get(address))
    await named('b').die()
    for (const address of addresses) expect(await signIn(address)).toMatch(first.get(address) === 'b' ? /^[ac]$/ : new RegExp(`^${first.get(address)}$`))
  })

  it('says so itself when no replica is there', async () => {
    const { ask, replicas } = await startSite()
    for (const { die } of replicas) await die()
    for (const init of [{}, { method: 'DELETE' }]) {
      const { status, text, headers } = await ask('/api/sensors', init)
      expect([status, headers.get('content-type'), headers.get('retry-after')]).toEqual([503, 'application/json', '5'])
      expect(JSON.parse(text)).toMatchObject({ statusCode: 503, data: { code: 'no-replica' } })
      expect(text).not.toMatch(/nginx/i)
    }
  })

  it('passes WebSockets on, both ways, and ends them with their replica', async () => {
    const { balancer, named } = await startSite()
    const { socket, next } = await openSocket(`${balancer.url}/ws/events?after=`)
    const name = await next()
    socket.send('hello')
    expect(await next()).toBe('hello')
    const closed = once(socket, 'close')
    await named(name).die()
    await closed
    const again = await openSocket(`${balancer.url}/ws/events?after=`)
    expect(await again.next()).not.toBe(name)
  })

  it('passes events on as they come', async () => {
    const streams: ServerResponse[] = []
    const { balancer } = await startSite(['a'], (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: 1\n\n')
      streams.push(response)
    })
    const response = await fetch(`${balancer.url}/api/events`)
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toBe('data: 1\n\n')
    streams[0]?.write('data: 2\n\n')
    expect((await reader?.read())?.value).toBe('data: 2\n\n')
    await reader?.cancel()
  })

  it('says whom a request is from, and believes its neighbours what the protocol was', async () => {
    const { ask } = await startSite(['a'], (request, response) => response.end(JSON.stringify([request.headers, request.url])))
    const { text } = await ask('/api/devices/a%2Fb//c', { headers: { 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' } })
    const [headers, url] = JSON.parse(text)
    expect(headers).toMatchObject({ 'x-forwarded-for': '192.0.2.7, 127.0.0.1', 'x-forwarded-proto': 'https', 'x-forwarded-host': headers.host })
    expect(url).toBe('/api/devices/a%2Fb//c')
    expect(JSON.parse((await ask()).text)[0]).toMatchObject({ 'x-forwarded-proto': 'http' })
  })

  it('leads devices and the application to a broker that is there', async () => {
    const brokers = []
    for (const name of ['one', 'two']) {
      const sockets = new Set<Socket>()
      const server = createServer((socket) => {
        sockets.add(socket)
        socket.end(name)
      })
      const port = await listen(server, 0)
      const die = () => close(server, sockets)
      ends.push(async () => { if (server.listening) await die() })
      brokers.push({ port, die })
    }
    const balancer = await startNginx({ replicas: [], brokers: brokers.map(({ port }) => port) })
    ends.push(balancer.stop)
    const greeting = async (port: number) => {
      let text = ''
      for await (const part of connect(port, '127.0.0.1').setEncoding('utf8')) text += part
      return text
    }
    for (const port of [balancer.devicesPort, balancer.applicationPort]) expect(new Set([await greeting(port), await greeting(port)])).toEqual(new Set(['one', 'two']))
    await brokers[0]?.die()
    for (const port of [balancer.devicesPort, balancer.applicationPort]) {
      for (let i = 0; i < 3; i++) expect(await greeting(port)).toBe('two')
    }
  })
})

describe('the configuration with other addresses', () => {
  it('has them all, and none of its own', () => {
    const text = renderNginx(readFileSync('deploy/cluster/nginx.conf', 'utf8'), { replicas: [4711, 4712], brokers: [4713], ports: { 8080: 1, 8081: 2, 8883: 3, 8885: 4 }, folder: '/nowhere', head: '' })
    const lines = text.split('\n').filter(line => !line.trim().startsWith('#'))
    expect(lines.filter(line => /\bserver [^{]/.test(line)).map(line => line.trim().split(' ')[1])).toEqual([4711, 4712, 4711, 4712, 4713, 4713].map(port => `127.0.0.1:${port}`))
    expect(lines.filter(line => /\blisten /.test(line)).map(line => /\S+:(\d)\b/.exec(line)?.[1])).toEqual(['1', '2', '3', '4'])
    expect(lines.filter(line => /leitstand-|emqx-|\/tmp\//.test(line))).toEqual([])
  })

  it('is refused when there is nothing to replace', () => {
    expect(() => renderNginx('http {}', { replicas: [], ports: {}, folder: '', head: '' })).toThrow('deploy/cluster/nginx.conf has no')
  })
})
