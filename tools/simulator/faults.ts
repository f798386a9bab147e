import { HOUR_MS, SECOND_MS } from './curves.ts'
import type { Device } from './devices/device.ts'
import { chance, seedOf } from './random.ts'

/** How many seconds after the start a silent device is last heard. */
export const SILENT_AFTER_SECONDS = 20
const BROKEN_SHARE = 0.08

/** The device says nothing from `silentFromMs` (Unix time) on: a flat battery, a cut cable. */
export function fallingSilent(device: Device, silentFromMs: number): Device {
  return { ...device, telemetry: atMs => atMs < silentFromMs ? device.telemetry(atMs) : undefined }
}

/** The device's clock is an hour ahead: local winter time sent as if it were UTC. */
export function withWrongClock(device: Device): Device {
  const { telemetry, state } = device
  return {
    deviceId: device.deviceId,
    telemetry: atMs => telemetry(atMs + HOUR_MS),
    ...(state && { state: (atMs: number) => state(atMs + HOUR_MS) }),
  }
}

/** In about one second out of twelve the device's payload is cut off in the middle: not JSON. */
export function sometimesBroken(device: Device): Device {
  const seed = seedOf(device.deviceId)
  return {
    ...device,
    telemetry(atMs) {
      const payload = device.telemetry(atMs)
      const broken = chance(seed, Math.floor(atMs / SECOND_MS)) < BROKEN_SHARE
      return broken ? payload?.slice(0, Math.ceil(payload.length / 2)) : payload
    },
  }
}
