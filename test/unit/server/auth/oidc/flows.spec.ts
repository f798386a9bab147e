import { describe, expect, it } from 'vitest'
import { createFlows, FLOW_MS, MAX_FLOWS, MAX_FLOWS_PER_NETWORK } from '../../../../../server/auth/oidc/flows'

const FLOW = { nonce: 'n', verifier: 'v', redirectUri: 'http://localhost/api/oidc/callback', to: '/storage' }

function openFlows() {
  const clock = { now: 0 }
  return { clock, flows: createFlows(() => clock.now) }
}

describe('a sign-in under way', () => {
  it('is finished once, by its state and by the browser that has begun it', () => {
    const { flows } = openFlows()
    const cookie = flows.add('state', FLOW, '192.0.2.1')
    const another = flows.add('another', FLOW, '192.0.2.1')
    expect(cookie).toMatch(/^[\w-]{43}$/)
    for (const wrong of [undefined, '', another, cookie.toLowerCase(), `${cookie}x`]) expect(flows.take('state', wrong)).toBeUndefined()
    expect(flows.take('wrong', cookie)).toBeUndefined()
    expect(flows.take('state', cookie)).toEqual({ flow: expect.objectContaining(FLOW), cookie: '' })
    expect(flows.take('state', cookie)).toBeUndefined()
  })

  it('ends with time', () => {
    const { flows, clock } = openFlows()
    const [early, late] = [flows.add('early', FLOW, '192.0.2.1'), flows.add('late', FLOW, '192.0.2.1')]
    clock.now = FLOW_MS - 1
    expect(flows.take('early', early)).toBeDefined()
    clock.now = FLOW_MS
    expect(flows.take('late', late)).toBeUndefined()
    flows.add('new', FLOW, '192.0.2.1')
    expect(flows.size()).toBe(1)
  })

  it('goes on beside others in the same browser, of which four are remembered', () => {
    const { flows } = openFlows()
    let cookie = 'chosen-by-somebody-else'
    for (let i = 0; i < 6; i++) cookie = flows.add(`state-${i}`, FLOW, '192.0.2.1', cookie)
    expect(cookie.split('.')).toHaveLength(4)
    expect(flows.take('state-1', cookie)).toBeUndefined()
    const rest = flows.take('state-3', cookie)?.cookie
    expect(rest?.split('.')).toHaveLength(3)
    expect(flows.take('state-5', rest)).toBeDefined()
  })

  it('makes room for others, first of all for those from the same network', () => {
    const { flows } = openFlows()
    const elsewhere = flows.add('elsewhere', FLOW, '192.0.2.2')
    const first = flows.add('first', FLOW, '2001:db8::1')
    for (let i = 0; i < MAX_FLOWS_PER_NETWORK; i++) flows.add(`near-${i}`, FLOW, `2001:db8::${i + 2}`)
    expect(flows.size()).toBe(MAX_FLOWS_PER_NETWORK + 1)
    expect(flows.take('first', first)).toBeUndefined()
    for (let i = 0; i < MAX_FLOWS; i++) flows.add(`far-${i}`, FLOW, `10.0.${i >> 8}.${i & 255}`)
    expect(flows.size()).toBe(MAX_FLOWS)
    expect(flows.take('elsewhere', elsewhere)).toBeUndefined()
  })
})
