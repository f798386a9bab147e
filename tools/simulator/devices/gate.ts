import { createWander, dayCurve, MINUTE_MS, round, SECOND_MS } from '../curves.ts'
import { createDoor } from '../door.ts'
import { between, seedOf } from '../random.ts'
import { encodeState, encodeTelemetry, isoTime } from './device.ts'
import type { Device } from './device.ts'

const OPEN_MS = [6 * SECOND_MS, 14 * SECOND_MS] as const
const DRAUGHT_LAG_MS = 20 * SECOND_MS
/** How much colder it gets at a gate that stays open, in °C. */
const DRAUGHT_COLD = 4

/** A gate of a hall: it opens every 20 to 40 seconds, lets cold air in and keeps its retained state. */
export function createGate(deviceId: string, siteSeed: string): Device {
  const seed = seedOf(`${siteSeed}/${deviceId}`)
  const door = createDoor(seed, { cycleMs: between(20, 40, seed, -1) * SECOND_MS, openMs: OPEN_MS })
  const wander = createWander(seed, 40 * MINUTE_MS)
  const baseC = between(18, 22, seed, -2)

  return {
    deviceId,
    telemetry(atMs) {
      const tempC = baseC + 2 * dayCurve(atMs) + wander(atMs) - DRAUGHT_COLD * door.draught(atMs, DRAUGHT_LAG_MS)
      return encodeTelemetry({ ts: isoTime(atMs), metrics: { tempC: round(tempC, 1), doorState: door.status(atMs) } })
    },
    state: atMs => encodeState({ status: door.status(atMs), updated_at: isoTime(door.changedAt(atMs)) }),
  }
}
