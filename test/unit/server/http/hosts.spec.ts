import { describe, expect, it } from 'vitest'
import { createHostCheck } from '../../../../server/http/hosts'

describe('a host', () => {
  const isKnown = createHostCheck(['Leitstand.example'], 'Plant-7.corp.example')

  it.each([
    'localhost', 'localhost:3000', 'LOCALHOST', 'localhost.', 'a.localhost:80', '127.0.0.1:3000', '192.168.1.20', '[::1]:3000', '[fd00::1]',
    'plant-7', 'plant-7.local:3000', 'PLANT-7.LAN', 'plant-7.home.arpa', 'plant-7.internal', 'plant-7.corp.example', 'leitstand.example', 'leitstand.example.:443',
  ])('such as %s is known', (host) => {
    expect(isKnown(host)).toBe(true)
  })

  it.each([
    'evil.example', 'evil.example:3000', 'localhost.evil.example', '127.0.0.1.evil.example', 'leitstand.example.evil.example', 'sub.leitstand.example', 'notlocalhost',
    'plant-7.example', 'other.local', '', ':3000', 'localhost:port', 'localhost/', 'a@localhost', 'localhost evil.example', '[localhost]', '[::1', '*',
  ])('such as “%s” is not', (host) => {
    expect(isKnown(host)).toBe(false)
  })

  it('may have any name where that is wanted', () => {
    expect(createHostCheck(['*'])('evil.example')).toBe(true)
    expect(createHostCheck(['*'])('evil example')).toBe(false)
  })
})
