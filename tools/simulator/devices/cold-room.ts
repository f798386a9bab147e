import { createWander, MINUTE_MS, round, SECOND_MS } from '../curves.ts'
import { createDoor } from '../door.ts'
import { between, chance, seedOf } from '../random.ts'
import { encodeTelemetry, isoTime } from './device.ts'
import type { Device } from './device.ts'

const OPEN_MS = [20 * SECOND_MS, 50 * SECOND_MS] as const
const DRAUGHT_LAG_MS = 2 * MINUTE_MS

interface ColdRoomOptions {
  /** What the room is kept at, e.g. -18 or 4 °C. */
  targetC: number
  /** Whether the room has a door contact and reports it. */
  doorContact: boolean
}

/** A cold room: the compressor pulls the temperature down, then it creeps up again; the door lets warm, moist air in. */
export function createColdRoom(deviceId: string, siteSeed: string, { targetC, doorContact }: ColdRoomOptions): Device {
  const seed = seedOf(`${siteSeed}/${deviceId}`)
  const compressor = createCompressor(seed)
  const door = createDoor(seed, { cycleMs: between(3, 6, seed, -1) * MINUTE_MS, openMs: OPEN_MS })
  const wander = createWander(seed, 50 * MINUTE_MS)
  const baseHumidity = targetC < 0 ? 68 : 82

  return {
    deviceId,
    telemetry(atMs) {
      const draught = door.draught(atMs, DRAUGHT_LAG_MS)
      const tempC = targetC + compressor.swing(atMs) + 0.3 * wander(atMs) + 3 * draught
      const humidity = baseHumidity + 3 * wander(atMs + 10 * MINUTE_MS) + 10 * draught
      return encodeTelemetry({
        deviceId,
        ts: isoTime(atMs),
        metrics: {
          tempC: round(tempC, 2),
          humidity: round(humidity, 1),
          compressor: compressor.runs(atMs),
          ...(doorContact && { doorState: door.status(atMs) }),
        },
      })
    },
  }
}

/** Runs for a part of every cycle. `swing` is a saw-tooth within ±0.8 °C: down while it runs, up while it rests. */
function createCompressor(seed: number) {
  const cycleMs = between(4, 8, seed, -3) * MINUTE_MS
  const runShare = between(0.35, 0.6, seed, -4)
  const shift = chance(seed, -5)
  const phaseAt = (atMs: number) => (atMs / cycleMs + shift) % 1
  return {
    runs: (atMs: number) => phaseAt(atMs) < runShare,
    swing(atMs: number) {
      const phase = phaseAt(atMs)
      const warmth = phase < runShare ? 1 - phase / runShare : (phase - runShare) / (1 - runShare)
      return 1.6 * warmth - 0.8
    },
  }
}
