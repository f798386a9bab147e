import { createWander, DAY_MS, dayCurve, MINUTE_MS, round } from '../curves.ts'
import { between, chance, seedOf } from '../random.ts'
import { encodeTelemetry, isoTime } from './device.ts'
import type { Device } from './device.ts'

const BATTERY_LIFE_MS = 150 * DAY_MS
const BATTERY_FULL_V = 3.1
const BATTERY_EMPTY_V = 2.5

/** A climate sensor on a battery that is changed every 150 days; some measure CO₂ as well. */
export function createClimateSensor(deviceId: string, siteSeed: string): Device {
  const seed = seedOf(`${siteSeed}/${deviceId}`)
  const temperature = createWander(seed, 45 * MINUTE_MS)
  const moisture = createWander(seed + 1, 70 * MINUTE_MS)
  const people = createWander(seed + 2, 90 * MINUTE_MS)
  const baseC = between(19, 23, seed, -1)
  const baseHumidity = between(38, 55, seed, -2)
  const measuresCo2 = chance(seed, -3) < 0.5
  const batteryAge = chance(seed, -4)

  return {
    deviceId,
    telemetry(atMs) {
      const used = (atMs / BATTERY_LIFE_MS + batteryAge) % 1
      return encodeTelemetry({
        ts: isoTime(atMs),
        metrics: {
          tempC: round(baseC + 1.5 * dayCurve(atMs) + temperature(atMs), 2),
          humidity: round(baseHumidity + 6 * moisture(atMs), 1),
          batteryV: round(BATTERY_FULL_V - (BATTERY_FULL_V - BATTERY_EMPTY_V) * used, 3),
          ...(measuresCo2 && { co2ppm: round(750 + 300 * people(atMs), 0) }),
        },
      })
    },
  }
}
