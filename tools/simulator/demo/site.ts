import { SECOND_MS } from '../curves.ts'
import { createClimateSensor } from '../devices/climate.ts'
import { createColdRoom } from '../devices/cold-room.ts'
import type { Device } from '../devices/device.ts'
import { createGate } from '../devices/gate.ts'
import { fallingSilent, SILENT_AFTER_SECONDS, sometimesBroken, withWrongClock } from '../faults.ts'

const SEED = 'demo'

/**
 * The demo's small plant: gates, cold rooms, climate sensors, and one device for each fault, named after it.
 * @param startMs Unix time in milliseconds; `klima-verstummt` is last heard 20 seconds later.
 */
export function createDemoDevices(startMs: number): Device[] {
  return [
    ...['tor-1', 'tor-2', 'tor-3', 'tor-4'].map(deviceId => createGate(deviceId, SEED)),
    createColdRoom('kuehlraum-1', SEED, { targetC: -18, doorContact: true }),
    createColdRoom('kuehlraum-2', SEED, { targetC: 4, doorContact: false }),
    createClimateSensor('klima-lager', SEED),
    createClimateSensor('klima-buero', SEED),
    fallingSilent(createClimateSensor('klima-verstummt', SEED), startMs + SILENT_AFTER_SECONDS * SECOND_MS),
    withWrongClock(createClimateSensor('klima-falsche-uhr', SEED)),
    sometimesBroken(createClimateSensor('klima-defekt', SEED)),
  ]
}
