import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createBasePath } from '../../../../server/http/base-path'

function placed(url: string, baseURL = '/leitstand/') {
  const request = new IncomingMessage(new Socket())
  request.url = url
  createBasePath(baseURL)(request)
  return request.url
}

describe('where a request lies', () => {
  it.each([
    ['/leitstand/api/devices?x=1', '/leitstand/api/devices?x=1'],
    ['/api/devices?x=1', '/leitstand/api/devices?x=1'],
    ['/', '/leitstand/'],
    ['/leitstand', '/leitstand/'],
    ['/leitstand?x=1', '/leitstand/?x=1'],
    ['/leitstandard', '/leitstand/leitstandard'],
    ['*', '*'],
  ])('%s is %s', (url, expected) => {
    expect(placed(url)).toBe(expected)
  })

  it('is as it came where everything lies at the top', () => {
    expect(placed('/api/devices', '/')).toBe('/api/devices')
  })
})
