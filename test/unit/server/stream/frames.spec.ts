import { describe, expect, it } from 'vitest'
import { SERVER_SENT, WEBSOCKET } from '../../../../server/stream/frames'
import { textsOf } from './frames'

describe('WebSocket frames', () => {
  it.each([0, 125, 126, 65_535, 65_536])('carry a text of %i bytes', (length) => {
    const texts = ['x'.repeat(length), 'next']
    expect(textsOf(WEBSOCKET.join(texts.map(text => ({ text }))))).toEqual(texts)
  })

  it('count bytes, not characters', () => {
    const texts = ['ä'.repeat(63), '€'.repeat(42), '🚪'.repeat(20_000)]
    expect(textsOf(WEBSOCKET.join(texts.map(text => ({ text }))))).toEqual(texts)
  })

  it('go around a body without copying it', () => {
    const body = Buffer.from('[1,2,"ü"]')
    const parts = WEBSOCKET.around('{"data":', body, '}')
    expect(parts).toContain(body)
    expect(textsOf(Buffer.concat(parts))).toEqual(['{"data":[1,2,"ü"]}'])
  })
})

describe('server-sent events', () => {
  it('carry the id where there is one', () => {
    expect(SERVER_SENT.join([{ text: 'a', id: 'x.1' }, { text: 'b' }]).toString()).toBe('id: x.1\ndata: a\n\ndata: b\n\n')
    expect(Buffer.concat(SERVER_SENT.around('<', Buffer.from('body'), '>', 'x.2')).toString()).toBe('id: x.2\ndata: <body>\n\n')
  })
})
