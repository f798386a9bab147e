// What the pictures show: a plant with a few hours behind it, and names and places that people have given.
import { setTimeout as sleep } from 'node:timers/promises'
import type { DeviceProfile } from '#shared/schemas/profile'
import { systemClock } from '../simulator/clock.ts'
import { createDemoDevices } from '../simulator/demo/site.ts'
import type { Device } from '../simulator/devices/device.ts'
import { createPacer } from '../simulator/pacer.ts'
import { createPublisher } from '../simulator/publisher.ts'
import type { Publisher } from '../simulator/publisher.ts'
import { runSimulation } from '../simulator/run.ts'
import { createFleet, takingTurns } from '../simulator/site.ts'

const SEED = 'pictures'
const MORE_DEVICES = 28
const PAST_MS = 3 * 3_600_000
const STEP_MS = 20_000
const ROOM_MS = 5

const PLACES = ['Hall 1', 'Hall 2', 'Yard', 'Office']
const PROFILES: Record<string, DeviceProfile> = {
  'tor-1': { name: 'North gate', place: 'Yard', group: 'Gates', note: 'The drive was renewed in spring; spare fuses are in the cabinet beside it.' },
  'tor-2': { name: 'South gate', place: 'Yard', group: 'Gates' },
  'tor-3': { name: 'Loading dock', place: 'Hall 1', group: 'Gates' },
  'tor-4': { name: 'Workshop gate', place: 'Hall 2', group: 'Gates' },
  'kuehlraum-1': { name: 'Deep freeze', place: 'Hall 1', group: 'Cold rooms' },
  'kuehlraum-2': { name: 'Dairy', place: 'Hall 1', group: 'Cold rooms' },
}

/** Publishes what the devices measured in the last hours, then what they measure, until the signal. Resolves when the past is told. */
export async function tellPast(url: string, signal: AbortSignal): Promise<{ devices: Device[], present: Promise<void> }> {
  const startMs = systemClock.wallMs()
  const devices = [...createDemoDevices(startMs), ...createFleet({ devices: MORE_DEVICES, seed: SEED, startMs })]
    .filter(({ deviceId }, i, all) => all.findIndex(other => other.deviceId === deviceId) === i)
  const publisher = createPublisher({ url, qos: 1 }, { onChange: () => {}, onRefused: (sentence) => { throw new Error(sentence) } })
  await publisher.ready(signal)
  for (let atMs = startMs - PAST_MS; atMs < startMs && !signal.aborted; atMs += STEP_MS) await tellMoment(publisher, devices, atMs)
  const pacer = createPacer(devices.length, systemClock.nowMs())
  const present = runSimulation({ site: takingTurns(devices), publisher, pacer, clock: systemClock, signal }).then(() => void publisher.end())
  return { devices, present }
}

async function tellMoment(publisher: Publisher, devices: readonly Device[], atMs: number) {
  for (const { deviceId, telemetry } of devices) {
    const payload = telemetry(atMs)
    // One with a wrong clock has no past, and a broken message would be rejected a thousand times.
    if (payload === undefined || /falsche-uhr|defekt/.test(deviceId)) continue
    while (!publisher.hasRoom()) await sleep(ROOM_MS)
    publisher.publish({ topic: `sensors/${deviceId}/telemetry`, payload, retain: false })
  }
}

/** Names some devices, and says of all where they are. @throws when the server refuses. */
export async function nameDevices(origin: string, devices: readonly Device[]) {
  for (const [i, { deviceId }] of devices.entries()) {
    const profile = PROFILES[deviceId] ?? { place: PLACES[i % PLACES.length], group: deviceId.startsWith('tor') ? 'Gates' : deviceId.startsWith('kuehl') ? 'Cold rooms' : 'Climate' }
    const answer = await fetch(`${origin}/api/devices/${deviceId}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(profile) })
    if (!answer.ok) throw new Error(`The server does not take the profile of ${deviceId}: ${await answer.text()}`)
  }
}
