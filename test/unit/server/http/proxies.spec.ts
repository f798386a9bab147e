import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createForwarding, isPassedOn } from '../../../../server/http/forwarded'

/** What a request's headers become when it comes from `peer`. */
function forwarded(trusted: string[], peer: string, headers: Record<string, string>, isEncrypted = false) {
  const socket = new Socket()
  Object.defineProperty(socket, 'remoteAddress', { value: peer })
  if (isEncrypted) Object.defineProperty(socket, 'encrypted', { value: true })
  const request = new IncomingMessage(socket)
  Object.assign(request.headers, headers)
  createForwarding(trusted)(request)
  return request.headers
}

const CLAIMS = { 'host': 'upstream:3000', 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'leitstand.example', 'x-real-ip': '203.0.113.9', 'forwarded': 'for=203.0.113.9' }

describe('what is said of a request', () => {
  it('is not believed, and taken away, when nobody is trusted', () => {
    expect(forwarded([], '10.0.0.2', CLAIMS)).toEqual({ 'host': 'upstream:3000', 'x-forwarded-for': '10.0.0.2' })
  })

  it.each([['10.0.0.2'], ['10.0.0.0/8'], ['private'], ['fd00::/8', '10.0.0.2']])('is believed of a proxy within %s', (...trusted) => {
    expect(forwarded(trusted, '::ffff:10.0.0.2', CLAIMS)).toEqual({ 'host': 'leitstand.example', 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' })
  })

  it.each(['11.0.0.2', '::1', '', '2001:db8::1'])('is not believed of %s', (peer) => {
    expect(forwarded(['private'], peer, CLAIMS)).toEqual({ 'host': 'upstream:3000', 'x-forwarded-for': peer })
  })

  it.each([
    ['6.6.6.6, 203.0.113.9', '203.0.113.9'],
    ['6.6.6.6, 203.0.113.9, 10.0.0.7', '203.0.113.9'],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['nonsense', '10.0.0.2'],
    ['6.6.6.6, nonsense', '10.0.0.2'],
    ['10.0.0.9, 10.0.0.7', '10.0.0.9'],
    ['', '10.0.0.2'],
  ])('names of the addresses “%s” the nearest that is no proxy: %s', (chain, address) => {
    expect(forwarded(['private'], '10.0.0.2', { 'x-forwarded-for': chain })['x-forwarded-for']).toBe(address)
  })

  it('takes the nearest proxy’s word where several have spoken', () => {
    expect(forwarded(['loopback'], '127.0.0.1', { 'x-forwarded-proto': 'https, http', 'x-forwarded-host': 'evil.example, leitstand.example' }))
      .toMatchObject({ host: 'leitstand.example' })
    expect(forwarded(['loopback'], '127.0.0.1', { 'x-forwarded-proto': 'https, http' })).not.toHaveProperty('x-forwarded-proto')
  })

  it('does not matter to a connection that is encrypted itself', () => {
    expect(forwarded([], '203.0.113.9', {}, true)).toMatchObject({ 'x-forwarded-proto': 'https' })
  })
})

describe('a request', () => {
  it.each([['x-forwarded-for', true], ['forwarded', true], ['via', true], ['x-real-ip', true], ['x-forwarded-proto', true], ['accept', false]])('with %s was passed on: %s, believed or not', (name, expected) => {
    for (const trusted of [[], ['loopback']]) {
      const request = new IncomingMessage(new Socket())
      request.headers[name] = 'something'
      createForwarding(trusted)(request)
      expect(isPassedOn(request)).toBe(expected)
    }
  })
})
