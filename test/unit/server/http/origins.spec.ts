import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { foreignOriginOf } from '../../../../server/http/origins'
import { createForwarding } from '../../../../server/http/forwarded'

function isForeign(headers: Record<string, string>, { trusted = ['loopback'], allowed = [] as string[] } = {}): boolean {
  const socket = new Socket()
  Object.defineProperty(socket, 'remoteAddress', { value: '127.0.0.1' })
  const request = new IncomingMessage(socket)
  Object.assign(request.headers, headers)
  createForwarding(trusted)(request)
  return foreignOriginOf(request, new Set(allowed)) !== undefined
}

const PAGE = { origin: 'https://leitstand.example:8443' }
const OWN_WORD = { 'sec-fetch-site': 'same-origin' }

describe('the page of a request', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['its host with its port', { ...PAGE, host: 'leitstand.example:8443' }, false],
    ['another port', { ...PAGE, host: 'leitstand.example:8444' }, true],
    ['the name alone', { ...PAGE, host: 'leitstand.example' }, true],
    ['the name alone, and the browser’s word', { ...PAGE, ...OWN_WORD, host: 'leitstand.example' }, false],
    ['another name, and the browser’s word', { ...PAGE, ...OWN_WORD, host: 'elsewhere.example' }, true],
    ['a page that is the same site only', { ...PAGE, 'host': 'leitstand.example:8443', 'sec-fetch-site': 'same-site' }, true],
    ['the name, and the port beside it', { ...PAGE, 'host': 'leitstand.example', 'x-forwarded-port': '8443' }, false],
    ['the name, and another port beside it', { ...PAGE, 'host': 'leitstand.example', 'x-forwarded-port': '8444' }, true],
    ['a port that is none', { ...PAGE, 'host': 'leitstand.example', 'x-forwarded-port': '99999' }, true],
    ['X-Forwarded-Host with its port', { ...PAGE, 'host': 'upstream:3000', 'x-forwarded-host': 'leitstand.example:8443' }, false],
    ['X-Forwarded-Host and -Port', { ...PAGE, 'host': 'upstream:3000', 'x-forwarded-host': 'leitstand.example', 'x-forwarded-port': '8443' }, false],
    ['Host, and the port of the container beside it', { ...PAGE, 'host': 'leitstand.example:8443', 'x-forwarded-host': 'leitstand.example', 'x-forwarded-port': '80' }, false],
    ['a port that is written although it is the protocol’s', { origin: 'https://leitstand.example', host: 'leitstand.example:443' }, false],
    ['the port of another protocol', { origin: 'http://leitstand.example', host: 'leitstand.example:443' }, true],
    ['the port of the proxy inside, while the page is at the protocol’s', { 'origin': 'https://leitstand.example', 'host': 'leitstand.example', 'x-forwarded-port': '8443' }, false],
    ['an address of IPv6', { 'origin': 'http://[::1]:8080', 'host': '[::1]', 'x-forwarded-port': '8080' }, false],
    ['no page', { host: 'leitstand.example' }, false],
    ['nonsense', { origin: 'null', host: 'leitstand.example' }, true],
  ])('with %s is foreign: %s', (_, headers, expected) => {
    expect(isForeign(headers)).toBe(expected)
  })

  it('is not told apart by what nobody may say who is not trusted', () => {
    expect(isForeign({ ...PAGE, 'host': 'leitstand.example', 'x-forwarded-port': '8443' }, { trusted: [] })).toBe(true)
    expect(isForeign({ ...PAGE, ...OWN_WORD, host: 'leitstand.example' }, { trusted: [] })).toBe(true)
  })

  it('may be one that somebody has allowed', () => {
    expect(isForeign({ ...PAGE, host: 'upstream:3000' }, { allowed: [PAGE.origin] })).toBe(false)
  })
})
