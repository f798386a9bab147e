import { describe, expect, it } from 'vitest'
import { StateMessageSchema } from '#shared/schemas/device'
import { TelemetryMessageSchema } from '#shared/schemas/telemetry'
import { createSensorsSource } from '../../../../server/sources/sensors/sensors'
import { SettingsSchema } from '../../../../server/settings'
import { HOUR_MS, SECOND_MS } from '../../../../tools/simulator/curves'
import { createDemoDevices } from '../../../../tools/simulator/demo/site'
import { createFleet, createSite, takingTurns } from '../../../../tools/simulator/site'
import type { SimulatedMessage, Site } from '../../../../tools/simulator/site'

const START_MS = Date.parse('2026-01-15T08:00:00Z')
const source = createSensorsSource(SettingsSchema.parse({}).limits)

/** The messages of a site asked every `stepMs`. */
function* messagesOf(site: Site, durationMs: number, stepMs: number): Generator<SimulatedMessage & { atMs: number }> {
  for (let atMs = START_MS; atMs < START_MS + durationMs; atMs += stepMs) {
    const message = site.next(atMs)
    if (message) yield { ...message, atMs }
  }
}

function observe({ topic, payload, atMs }: SimulatedMessage & { atMs: number }) {
  const [observation] = source.read({ topic, payload: Buffer.from(payload), replayed: false }, atMs)
  if (!observation) throw new Error('nothing was read')
  return observation
}

describe('a fleet without faults', () => {
  it('sends only messages that the schemas and the server accept, for an hour', () => {
    const seen = { telemetry: 0, state: 0 }
    for (const message of messagesOf(createSite({ devices: 30, seed: 'a', startMs: START_MS }), HOUR_MS, 200)) {
      const [, , kind] = message.topic.split('/')
      const json: unknown = JSON.parse(message.payload)
      if (kind === 'state') StateMessageSchema.parse(json)
      else TelemetryMessageSchema.parse(json)
      expect(message.retain).toBe(kind === 'state')
      expect(observe(message).kind).toBe(kind === 'state' ? 'status' : 'telemetry')
      seen[kind === 'state' ? 'state' : 'telemetry']++
    }
    expect(seen.telemetry).toBeGreaterThan(10_000)
    expect(seen.state).toBeGreaterThan(100)
  })

  it('is mixed, and every device has its own name and its turn', () => {
    const fleet = createFleet({ devices: 25, seed: 'a', startMs: START_MS })
    const ids = fleet.map(device => device.deviceId)
    expect(ids.slice(0, 5)).toEqual(['tor-1', 'klima-1', 'kuehlraum-1', 'tor-2', 'klima-2'])
    expect(new Set(ids).size).toBe(25)
    const heard = new Set([...messagesOf(takingTurns(fleet), 60 * SECOND_MS, SECOND_MS)].map(({ topic }) => topic.split('/')[1]))
    expect(heard).toEqual(new Set(ids))
  })

  it('is the same with the same seed and another with another', () => {
    const hour = (seed: string) => [...messagesOf(createSite({ devices: 10, seed, startMs: START_MS }), HOUR_MS, SECOND_MS)]
    expect(hour('a')).toEqual(hour('a'))
    expect(hour('a')).not.toEqual(hour('b'))
  })

  it('keeps a gate’s retained state as its door stands, with the time of the change', () => {
    let doorState: unknown
    let changes = 0
    for (const { topic, payload, atMs } of messagesOf(createSite({ devices: 1, seed: 'a', startMs: START_MS }), HOUR_MS, SECOND_MS)) {
      if (topic === 'sensors/tor-1/telemetry') {
        doorState = TelemetryMessageSchema.parse(JSON.parse(payload)).metrics.doorState
        continue
      }
      const { status, updated_at } = StateMessageSchema.parse(JSON.parse(payload))
      expect(status).toBe(doorState)
      const age = atMs - Date.parse(updated_at)
      expect(age).toBeGreaterThanOrEqual(0)
      // The first one tells of a change before the start.
      if (changes++ > 0) expect(age).toBeLessThanOrEqual(3 * SECOND_MS)
    }
    expect(changes).toBeGreaterThan(100)
  })
})

describe('faults', () => {
  const faulty = () => createFleet({ devices: 10, seed: 'a', startMs: START_MS, faults: true })
  const ofDevice = (deviceId: string) => [...messagesOf(takingTurns(faulty()), 10 * 60 * SECOND_MS, 100)]
    .filter(({ topic }) => topic === `sensors/${deviceId}/telemetry`)

  it('lets one device fall silent after 20 seconds and the others go on', () => {
    const silent = ofDevice('kuehlraum-2')
    expect(silent.length).toBeGreaterThan(5)
    expect(silent.at(-1)?.atMs).toBeLessThan(START_MS + 20 * SECOND_MS)
    expect(silent.at(-1)?.atMs).toBeGreaterThan(START_MS + 15 * SECOND_MS)
    expect(ofDevice('tor-1').at(-1)?.atMs).toBeGreaterThan(START_MS + 595 * SECOND_MS)
  })

  it('gives one device a clock that the server does not believe', () => {
    for (const message of ofDevice('tor-4')) expect(observe(message)).toHaveProperty('telemetry.claimedTs')
  })

  it('lets one device send broken payloads now and then, which the server rejects', () => {
    const kinds = ofDevice('klima-4').map((message) => {
      const observation = observe(message)
      return observation.kind === 'rejected' ? observation.reason : observation.kind
    })
    const broken = kinds.filter(kind => kind === 'not-json').length
    expect(broken).toBeGreaterThan(0)
    expect(broken).toBeLessThan(kinds.length / 4)
    expect(kinds.filter(kind => kind === 'telemetry')).toHaveLength(kinds.length - broken)
  })

  it('leaves the other seven alone', () => {
    expect([...messagesOf(takingTurns(faulty().slice(0, 7)), 10 * 60 * SECOND_MS, 100)].filter((message) => {
      const observation = observe(message)
      return observation.kind === 'rejected' || (observation.kind === 'telemetry' && observation.telemetry.claimedTs !== undefined)
    })).toEqual([])
  })

  it('says nothing when every device is silent', () => {
    const site = takingTurns([{ deviceId: 'a', telemetry: () => undefined, state: () => '{}' }])
    expect(site.next(START_MS)).toBeUndefined()
  })
})

describe('the demo’s site', () => {
  it('has gates whose doors move every few seconds in total', () => {
    const doors = createDemoDevices(START_MS).filter(({ deviceId }) => deviceId.startsWith('tor-'))
    const changes = doors.flatMap(({ telemetry }) => {
      const states = Array.from({ length: 600 }, (_, second) => /"doorState":"(\w+)"/.exec(telemetry(START_MS + second * SECOND_MS) ?? '')?.[1])
      return states.filter((state, second) => second > 0 && state !== states[second - 1])
    })
    expect(doors.length).toBeGreaterThanOrEqual(3)
    expect(changes.length).toBeGreaterThan(600 / 6)
    expect(new Set(changes)).toEqual(new Set(['open', 'closed']))
  })

  it('has two cold rooms, two sound climate sensors and one device for each fault', () => {
    expect(createDemoDevices(START_MS).map(({ deviceId }) => deviceId).slice(4)).toEqual([
      'kuehlraum-1', 'kuehlraum-2', 'klima-lager', 'klima-buero', 'klima-verstummt', 'klima-falsche-uhr', 'klima-defekt',
    ])
  })
})
