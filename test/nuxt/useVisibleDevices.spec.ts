import { describe, expect, it, vi } from 'vitest'
import { withTelemetry } from '#shared/device/device-state'
import { useFleet } from '~/composables/fleet/useFleet'
import { ServerSocket } from './support/socket'
import { mountComposable, telemetry, useStage } from './support/stage'

const device = (deviceId: string, tempC: number) => withTelemetry(undefined, telemetry(deviceId, { tempC }, 10))
const LARGE = Array.from({ length: 1_000 }, (_, n) => device(`tor-${n}`, n))

function main(): ServerSocket {
  const [first] = ServerSocket.all
  if (!first) throw new Error('The page has not opened the stream.')
  return first
}
const asked = (socket = main()) => socket.received.filter(text => text.includes('subscribe'))
const asking = (devices: string[] | null) => JSON.stringify({ type: 'subscribe', devices })
const query = (socket: ServerSocket, name: string) => new URL(socket.url).searchParams.getAll(name)
const temperature = (fleet: ReturnType<typeof useFleet>, deviceId: string) => fleet.entry(deviceId)?.device.values.tempC?.value

/** The server's answer to a `subscribe`. */
function confirm(devices: string[] | null, states = LARGE.filter(({ deviceId }) => !devices || devices.includes(deviceId)), socket = ServerSocket.latest) {
  socket.say({ type: 'subscribed', id: 'start.20', data: { devices: devices?.length ?? null } })
  socket.say({ type: 'states', id: 'start.20', data: states })
}

/** Everything is drawn. */
const frame = () => vi.advanceTimersToNextFrame()

async function mountLarge() {
  const fleet = await mountComposable(useFleet)
  main().accept()
  main().say({ type: 'snapshot', id: 'start.1', data: LARGE })
  return fleet
}

/** So many messages of each device within two seconds. */
function talk(each: number) {
  vi.advanceTimersByTime(2_000)
  for (let i = 0; i < each; i++) main().say({ type: 'batch', id: 'start.9', data: LARGE.map(({ deviceId }, n) => telemetry(deviceId, { tempC: n }, 5)) })
  frame()
}

/** The overview of a large fleet whose devices say much, with two of them in sight. */
async function mountSplit() {
  const fleet = await mountLarge()
  fleet.look(['tor-1', 'tor-2'])
  talk(4)
  const distant = ServerSocket.latest
  distant.accept()
  distant.say({ type: 'resumed', id: 'start.9', data: { missed: 0 } })
  confirm(['tor-1', 'tor-2'], undefined, main())
  frame()
  return { fleet, distant }
}

useStage()

describe('the page of one device', () => {
  it('asks for no others once the fleet is large, and again for all', async () => {
    const fleet = await mountComposable(useFleet)
    main().accept()
    main().say({ type: 'snapshot', data: [device('tor-1', 1)] })
    fleet.show(['tor-1'])
    expect(asked()).toEqual([])
    main().say({ type: 'snapshot', id: 'start.9', data: LARGE })
    fleet.show(['tor-1'])
    confirm(['tor-1'])
    fleet.show(['tor-1'])
    fleet.show(null)
    expect(asked()).toEqual([asking(['tor-1']), asking(null)])
    expect(ServerSocket.all).toHaveLength(1)
  })

  it('has one request under way, and then the last that was wanted', async () => {
    const fleet = await mountLarge()
    for (const deviceId of ['tor-1', 'tor-2', 'tor-3']) fleet.show([deviceId])
    expect(asked()).toEqual([asking(['tor-1'])])
    // What a slow client is owed is no answer.
    main().say({ type: 'states', data: [device('tor-9', 1)] })
    expect(asked()).toHaveLength(1)
    confirm(['tor-1'])
    expect(asked().slice(1)).toEqual([asking(['tor-3'])])
  })

  it('goes on after a lost connection with what the server had confirmed, and asks again', async () => {
    const fleet = await mountLarge()
    fleet.show(['tor-1'])
    confirm(['tor-1'])
    fleet.show(['tor-2'])
    main().drop()
    vi.advanceTimersByTime(3_000)
    expect([query(ServerSocket.latest, 'after'), query(ServerSocket.latest, 'device')]).toEqual([['start.20'], ['tor-1']])
    ServerSocket.latest.accept()
    ServerSocket.latest.say({ type: 'resumed', data: { missed: 0 } })
    expect(asked(ServerSocket.latest)).toEqual([asking(['tor-2'])])
  })

  it('that was left while disconnected brings all devices up to date', async () => {
    const fleet = await mountLarge()
    fleet.show(['tor-1'])
    confirm(['tor-1'])
    main().drop()
    fleet.show(null)
    vi.advanceTimersByTime(3_000)
    ServerSocket.latest.accept()
    ServerSocket.latest.say({ type: 'resumed', data: { missed: 0 } })
    expect(asked(ServerSocket.latest)).toEqual([asking(null)])
    confirm(null, [...LARGE.slice(1), device('tor-0', 77)])
    frame()
    expect(temperature(fleet, 'tor-0')).toBe(77)
  })

  it('is left as it was when the server refuses', async () => {
    const fleet = await mountLarge()
    fleet.show(['tor-1'])
    main().say({ type: 'error', data: { code: 'request-invalid', message: 'No.' } })
    expect(asked()).toHaveLength(1)
    fleet.show(['tor-2'])
    expect(asked().slice(1)).toEqual([asking(['tor-2'])])
  })
})

describe('the overview of a large fleet', () => {
  it('follows all devices on one connection while they say little', async () => {
    const fleet = await mountLarge()
    fleet.look(['tor-1', 'tor-2'])
    talk(3)
    expect([ServerSocket.all.length, asked()]).toEqual([1, []])
  })

  it('follows those in sight and is told of all now and then once they say much', async () => {
    const fleet = await mountLarge()
    fleet.look(['tor-1', 'tor-2'])
    talk(4)
    const distant = ServerSocket.latest
    expect(['after', 'mode', 'rate'].flatMap(name => query(distant, name))).toEqual(['start.9', 'latest', '0.5'])
    expect(asked()).toEqual([])
    distant.accept()
    distant.say({ type: 'resumed', id: 'start.9', data: { missed: 0 } })
    expect(asked()).toEqual([asking(['tor-1', 'tor-2'])])
    expect(fleet.status.value).toBe('live')
  })

  it('does so as well when this browser cannot take everything', async () => {
    const fleet = await mountLarge()
    fleet.look(['tor-1'])
    main().say({ type: 'coalesced', data: { events: 5, devices: 1 } })
    main().say({ type: 'states', data: [device('tor-9', 1)] })
    frame()
    expect(query(ServerSocket.latest, 'mode')).toEqual(['latest'])
  })

  it('takes from each connection what it is there for', async () => {
    const { fleet, distant } = await mountSplit()
    main().say({ type: 'batch', id: 'start.30', data: [telemetry('tor-1', { tempC: 50 })] })
    // Another connection may tell older things later.
    distant.say({ type: 'states', id: 'start.29', data: [device('tor-1', 40), device('tor-7', 60), device('tor-new', 3)] })
    frame()
    expect(['tor-1', 'tor-7', 'tor-new'].map(deviceId => temperature(fleet, deviceId))).toEqual([50, 60, 3])
  })

  it('asks for other rows without another connection', async () => {
    const { fleet, distant } = await mountSplit()
    fleet.look(['tor-2', 'tor-3'])
    confirm(['tor-2', 'tor-3'], [device('tor-2', 20), device('tor-3', 30)], main())
    distant.say({ type: 'states', data: [device('tor-1', 11), device('tor-3', -1)] })
    frame()
    expect(['tor-1', 'tor-2', 'tor-3'].map(deviceId => temperature(fleet, deviceId))).toEqual([11, 20, 30])
    fleet.look([])
    confirm([], [], main())
    expect(asked().slice(1)).toEqual([asking(['tor-2', 'tor-3']), asking([])])
    expect(ServerSocket.all).toHaveLength(2)
    main().drop()
    vi.advanceTimersByTime(3_000)
    expect(query(ServerSocket.latest, 'device')).toEqual([''])
  })

  it('forgets what a restarted server does not know, whichever connection says so first', async () => {
    const { fleet, distant } = await mountSplit()
    main().say({ type: 'snapshot', id: 'again.1', reason: 'restarted', data: [device('tor-2', -2)] })
    expect(['tor-1', 'tor-2', 'tor-7'].map(deviceId => temperature(fleet, deviceId))).toEqual([undefined, -2, 7])
    distant.say({ type: 'snapshot', id: 'again.1', reason: 'restarted', data: [device('tor-2', -3), device('tor-8', -8)] })
    expect(['tor-1', 'tor-2', 'tor-7', 'tor-8'].map(deviceId => temperature(fleet, deviceId))).toEqual([undefined, -2, undefined, -8])
  })

  it('follows all again when the second connection stays away, and lets go when it is back', async () => {
    const { fleet, distant } = await mountSplit()
    distant.drop()
    vi.advanceTimersByTime(1_000)
    expect(asked()).toHaveLength(1)
    for (let second = 0; second < 9; second++) {
      main().say({ type: 'pong' })
      vi.advanceTimersByTime(1_000)
    }
    expect(asked().slice(1)).toEqual([asking(null)])
    confirm(null, LARGE, main())
    ServerSocket.latest.accept()
    ServerSocket.latest.say({ type: 'resumed', data: { missed: 0 } })
    expect(asked().slice(2)).toEqual([asking(['tor-1', 'tor-2'])])
    expect(fleet.status.value).toBe('live')
  })

  it('needs one connection when it is left, and goes on where the other was', async () => {
    const { fleet, distant } = await mountSplit()
    const close = vi.spyOn(distant, 'close')
    distant.say({ type: 'states', id: 'start.40', data: [device('tor-7', 60)] })
    fleet.show(['tor-5'])
    fleet.look(null)
    expect(close).toHaveBeenCalledOnce()
    confirm(['tor-5'], undefined, main())
    fleet.look(['tor-1'])
    fleet.show(null)
    expect(query(ServerSocket.latest, 'after')).toEqual(['start.40'])
    // What is not followed yet is not let go of, nor all asked for in between.
    expect(asked().slice(1)).toEqual([asking(['tor-5'])])
  })

  it('names no more devices than an address may hold', async () => {
    const { fleet } = await mountSplit()
    const names = Array.from({ length: 40 }, (_, n) => `${n}${'ü'.repeat(200)}`)
    fleet.look(names)
    expect(asked().at(-1)).toBe(asking(names.slice(0, 3)))
  })
})
