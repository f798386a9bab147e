import type { Case, CaseOf } from './cases'
import { exchange } from './exchange'
import type { Route } from './http-cases'
import type { Site } from './site'
import { insidesIn } from '../e2e/support/leaks'

/** Far more than any answer takes: beyond it the server hangs. */
const PATIENCE_MS = 20_000
/** Answers that go on until one of the two leaves, or take their time. */
const ENDLESS = new Set(['get /api/events', 'post /api/doctor/examination'])
const ENOUGH_MS = 150
/** Written by what catches what nobody else has caught, and by the handler of errors that are ours. */
const LOG_FAULT = /unhandled|uncaught|\n\s+at |failed:/i

/** What has become of a case; `answer` sums it up. */
interface Outcome { answer: string, faults: string[] }

export interface Sayer {
  /** Says a case to the server and looks what has become of it: all that is wrong. */
  say: (said: Case) => Promise<string[]>
  /** How often each kind of case was answered how: whether the cases get anywhere. */
  answers: () => string
}

export function createSayer(site: Site, routes: readonly Route[]): Sayer {
  const known = new Map(routes.map(route => [route.key, route]))
  const answers = new Map<string, number>()
  let read = 0

  /** What the log says since the last time. */
  function logFaults(): string[] {
    const fresh = site.app().output().slice(read)
    read += fresh.length
    const found = LOG_FAULT.exec(fresh)
    return found ? [`The log says: ${fresh.slice(Math.max(0, found.index - 300), found.index + 1_200)}`] : []
  }

  async function outcomeOf(said: Case): Promise<Outcome> {
    switch (said.kind) {
      case 'mqtt': return publish(site, said)
      case 'http': return ask(site, said, known.get(said.route))
      case 'bytes': return speak(site, said)
      case 'socket': return listen(site, said)
    }
  }

  async function revive() {
    await site.revive()
    read = 0
  }

  return {
    async say(said) {
      if (!site.isAlive()) await revive()
      const { answer, faults } = await outcomeOf(said)
      const key = `${said.kind} ${answer}`
      answers.set(key, (answers.get(key) ?? 0) + 1)
      const others = site.isAlive() ? await site.good() : [`The server has ended: ${site.app().output().slice(-2_000)}`]
      const found = [...faults, ...others, ...logFaults()]
      // A good client that is shut out would be wrong for every other case.
      if (others.length > 0 && site.isAlive()) await revive()
      return found
    },
    answers: () => [...answers].sort().map(([key, count]) => `${key} × ${count}`).join(', '),
  }
}

async function publish(site: Site, { topic, payload, qos, retain }: CaseOf<'mqtt'>): Promise<Outcome> {
  const isTaken = await site.publish(topic, Buffer.from(payload, 'base64'), { qos, retain })
  return { answer: isTaken ? 'taken' : 'refused', faults: [] }
}

function requestBytes({ method, path, headers, body }: CaseOf<'http'>, cookie: string): Buffer {
  const content = body === null ? undefined : Buffer.from(body, 'base64')
  const all = { host: 'localhost', ...(cookie && { cookie }), ...headers, connection: 'close', ...(content && { 'content-length': String(content.length) }) }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return Buffer.concat([Buffer.from([`${method} ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n'), 'latin1'), content ?? Buffer.alloc(0)])
}

async function ask(site: Site, said: CaseOf<'http'>, route: Route | undefined): Promise<Outcome> {
  const isEndless = ENDLESS.has(said.route)
  const isEnough = (text: string) => isEndless && text.includes('\r\n\r\n')
  const { status, text, isOver } = await exchange(site.app().port, requestBytes(said, said.as === 'admin' ? site.cookie() : ''), { isEnough, timeoutMs: isEndless ? ENOUGH_MS : PATIENCE_MS })
  if (status === 401 && said.as === 'admin' && !('authorization' in said.headers) && !('cookie' in said.headers)) await site.renew()
  const [, code = ''] = /"code":"([\w-]+)"/.exec(text) ?? []
  const isDocumented = status === 503 && route?.busy.includes(code)
  const end = isOver ? 'The connection was closed without an answer.' : `There was no answer within ${PATIENCE_MS} ms.`
  return {
    answer: String(status),
    faults: [
      ...(status === undefined && (isOver || !isEndless) ? [end] : []),
      ...(status !== undefined && !isOver && !isEndless ? [`The answer did not end within ${PATIENCE_MS} ms.`] : []),
      ...(isDocumented ? [] : faultsOf({ status, text })),
    ],
  }
}

/** What no answer may be. */
function faultsOf({ status = 0, text }: { status: number | undefined, text: string }, allowed: readonly number[] = []): string[] {
  return [
    ...(status >= 500 && !allowed.includes(status) ? [`The answer is ${status}: ${text.slice(0, 600)}`] : []),
    ...insidesIn(text).map(found => `The answer shows insides: ${found}`),
  ]
}

/** Node’s own answers to what it does not speak. */
const NOT_SPOKEN = [501, 505]

/** What is hardly HTTP may be answered or not, but not with a fault of ours. */
async function speak(site: Site, { bytes }: CaseOf<'bytes'>): Promise<Outcome> {
  const heard = await exchange(site.app().port, Buffer.from(bytes, 'base64'), { isEnough: text => text.includes('\r\n\r\n'), timeoutMs: ENOUGH_MS })
  return { answer: String(heard.status), faults: faultsOf(heard, NOT_SPOKEN) }
}

const PING = Buffer.from('898000000000', 'hex')
const PONG = '\u008A\u0000'

async function listen(site: Site, { as, query, frames }: CaseOf<'socket'>): Promise<Outcome> {
  const head = [`GET /ws/events${query} HTTP/1.1`, 'Host: localhost', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ...(as === 'admin' ? [`Cookie: ${site.cookie()}`] : []), '', '']
  const afterwards = [...frames.map(frame => Buffer.from(frame, 'base64')), PING]
  const heard = await exchange(site.app().port, Buffer.from(head.join('\r\n'), 'latin1'), { afterwards, isEnough: text => text.includes(PONG), timeoutMs: ENOUGH_MS })
  if (heard.status === 401 && as === 'admin') await site.renew()
  return { answer: heard.status === 101 ? `101, ${endOf(heard.text)}` : String(heard.status), faults: faultsOf(heard) }
}

function endOf(text: string): string {
  if (text.includes(PONG)) return 'pong'
  // A close frame with a code.
  // eslint-disable-next-line no-control-regex
  const close = /\u0088[\u0002-\u007D]([^])([^])/.exec(text)
  return close ? `closed with ${(close[1]?.charCodeAt(0) ?? 0) * 256 + (close[2]?.charCodeAt(0) ?? 0)}` : 'no word'
}
