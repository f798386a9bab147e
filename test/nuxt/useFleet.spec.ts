import { describe, expect, it, vi } from 'vitest'
import { withTelemetry } from '#shared/device/device-state'
import { useFleet } from '~/composables/fleet/useFleet'
import { ServerSocket } from './support/socket'
import { CONNECTED, mountComposable, telemetry, useStage } from './support/stage'

const device = (deviceId: string, tempC: number) => withTelemetry(undefined, telemetry(deviceId, { tempC }, 10))

async function mountLive() {
  const fleet = await mountComposable(useFleet)
  ServerSocket.latest.accept()
  ServerSocket.latest.say({ type: 'snapshot', data: [device('tor-1', 20)] })
  ServerSocket.latest.say({ type: 'broker', data: CONNECTED })
  return fleet
}

const temperature = (fleet: ReturnType<typeof useFleet>, deviceId: string) => fleet.entry(deviceId)?.device.values.tempC?.value

describe('useFleet', () => {
  useStage()

  it('asks the server of this page and is connecting until the snapshot is there', async () => {
    const fleet = await mountComposable(useFleet)
    expect(ServerSocket.latest.url).toMatch(/^ws:\/\/.+\/ws\/events\?after=&batch=20$/)
    expect([fleet.status.value, fleet.hasSnapshot.value]).toEqual(['connecting', false])

    ServerSocket.latest.accept()
    expect(fleet.status.value).toBe('connecting')
    ServerSocket.latest.say({ type: 'snapshot', data: [] })
    expect([fleet.status.value, fleet.hasSnapshot.value, fleet.isEmpty.value]).toEqual(['live', true, true])
  })

  it('applies events once per frame, in order', async () => {
    const fleet = await mountLive()
    const before = fleet.revision.value
    for (const tempC of [21, 22, 23]) ServerSocket.latest.say({ type: 'telemetry', data: telemetry('tor-1', { tempC }) })
    expect(temperature(fleet, 'tor-1')).toBe(20)

    vi.advanceTimersToNextFrame()
    expect(temperature(fleet, 'tor-1')).toBe(23)
    expect(fleet.revision.value).toBe(before + 1)
  })

  it('goes on when a hidden tab draws no frames', async () => {
    const fleet = await mountLive()
    vi.stubGlobal('requestAnimationFrame', () => 1)
    ServerSocket.latest.say({ type: 'telemetry', data: telemetry('tor-2', { tempC: 5 }) })
    vi.advanceTimersByTime(1_000)
    expect(temperature(fleet, 'tor-2')).toBe(5)
  })

  it('does not let events pile up without limit between two frames', async () => {
    const fleet = await mountLive()
    for (let i = 0; i < 5_000; i++) ServerSocket.latest.say({ type: 'telemetry', data: telemetry('tor-1', { tempC: i }) })
    expect(temperature(fleet, 'tor-1')).toBe(4_999)
  })

  it('keeps what was known while disconnected, then shows nothing but the fresh snapshot', async () => {
    const fleet = await mountLive()
    const lost = ServerSocket.latest
    lost.drop()
    expect(fleet.status.value).toBe('disconnected')
    expect(temperature(fleet, 'tor-1')).toBe(20)

    vi.advanceTimersByTime(3_000)
    expect(ServerSocket.latest).not.toBe(lost)
    ServerSocket.latest.accept()
    expect(fleet.status.value).toBe('disconnected')
    ServerSocket.latest.say({ type: 'snapshot', data: [device('tor-9', 1)] })
    expect(fleet.status.value).toBe('live')
    expect([fleet.has('tor-1'), fleet.has('tor-9')]).toEqual([false, true])
  })

  it('goes on where it was, and keeps what it knew', async () => {
    const fleet = await mountLive()
    ServerSocket.latest.say({ type: 'batch', id: 'start.7', data: [telemetry('tor-1', { tempC: 21 }), telemetry('tor-2', { tempC: 5 })] })
    vi.advanceTimersToNextFrame()
    expect([temperature(fleet, 'tor-1'), temperature(fleet, 'tor-2')]).toEqual([21, 5])
    ServerSocket.latest.drop()
    vi.advanceTimersByTime(3_000)
    expect(new URL(ServerSocket.latest.url).searchParams.get('after')).toBe('start.7')
    ServerSocket.latest.accept()
    ServerSocket.latest.say({ type: 'resumed', id: 'start.7', data: { missed: 1 } })
    expect(fleet.status.value).toBe('live')
    ServerSocket.latest.say({ type: 'batch', id: 'start.8', data: [telemetry('tor-2', { tempC: 6 })] })
    vi.advanceTimersToNextFrame()
    expect([temperature(fleet, 'tor-1'), temperature(fleet, 'tor-2')]).toEqual([21, 6])
  })

  it('takes whole states where events were left out', async () => {
    const fleet = await mountLive()
    ServerSocket.latest.say({ type: 'telemetry', data: telemetry('tor-1', { tempC: 21 }) })
    ServerSocket.latest.say({ type: 'states', data: [device('tor-1', 30), device('tor-3', 1)] })
    vi.advanceTimersToNextFrame()
    expect([temperature(fleet, 'tor-1'), temperature(fleet, 'tor-3')]).toEqual([30, 1])
  })

  it('never waits longer than about three seconds between two attempts', async () => {
    await mountLive()
    for (let attempt = 0; attempt < 12; attempt++) {
      const before = ServerSocket.all.length
      ServerSocket.latest.drop()
      vi.advanceTimersByTime(3_000)
      expect(ServerSocket.all).toHaveLength(before + 1)
    }
  })

  it('notices within ten seconds that nothing answers any more', async () => {
    const fleet = await mountLive()
    const dead = ServerSocket.latest
    vi.advanceTimersByTime(10_000)
    expect(dead.received).toContain('{"type":"ping"}')
    expect(fleet.status.value).toBe('disconnected')
    expect(ServerSocket.latest).not.toBe(dead)

    dead.say({ type: 'snapshot', data: [device('ghost', 1)] })
    expect(fleet.has('ghost')).toBe(false)
  })

  it('stays connected while pings are answered', async () => {
    const fleet = await mountLive()
    for (let i = 0; i < 20; i++) {
      vi.advanceTimersByTime(3_000)
      ServerSocket.latest.say({ type: 'pong' })
    }
    expect(fleet.status.value).toBe('live')
  })

  it.each(['not json', '{}', '{"type":"telemetry","data":{}}', '{"type":"news","data":1}'])('ignores %s', async (frame) => {
    const fleet = await mountLive()
    ServerSocket.latest.sayRaw(frame)
    vi.advanceTimersToNextFrame()
    expect([fleet.status.value, temperature(fleet, 'tor-1')]).toEqual(['live', 20])
  })
})
