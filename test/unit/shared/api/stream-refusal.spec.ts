import { describe, expect, it } from 'vitest'
import { createEventReader } from '#shared/api/event-reader'
import { reasonOf, refusalOfAnswer } from '#shared/api/stream-refusal'

const said = (status: number, code = 'streams-too-many') => new Response(JSON.stringify({ error: { code, message: 'Why.' } }), { status })

describe('a stream that is refused', () => {
  it.each([[401, 'status401'], [403, 'status403'], [429, 'status429'], [400, 'other'], [404, 'other']])('by a proxy with %i is said as %s', async (status, reason) => {
    const refusal = await refusalOfAnswer(new Response('<html>', { status }))
    expect(refusal && reasonOf(refusal)).toBe(reason)
  })

  it.each([[429, 'streams-too-many', 'streams-too-many'], [503, 'streams-too-many', 'streams-too-many'], [403, 'origin-foreign', 'origin-foreign'], [403, 'link-only', 'status403'], [410, 'whatever', 'other']])('by the server with %i %s is said as %s', async (status, code, reason) => {
    const refusal = await refusalOfAnswer(said(status, code))
    expect(refusal).toEqual({ status, code, message: 'Why.' })
    expect(refusal && reasonOf(refusal)).toBe(reason)
  })

  it.each([500, 502, 503, 504])('is no refusal when a proxy says %i: there is no server', async (status) => {
    expect(await refusalOfAnswer(new Response('<html>', { status }))).toBeUndefined()
  })
})

describe('server-sent events', () => {
  it('are told when they are whole, however they are cut', () => {
    const text = ': ping\n\nid: a.1\ndata: {"type":"pong"}\n\ndata: one\ndata: two\n\ndata: half'
    for (let size = 1; size < text.length; size++) {
      const heard: string[] = []
      const take = createEventReader(data => heard.push(data))
      for (let at = 0; at < text.length; at += size) take(text.slice(at, at + size))
      expect(heard).toEqual(['{"type":"pong"}', 'one\ntwo'])
    }
  })
})
