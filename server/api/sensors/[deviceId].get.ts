import type { DeviceState } from '#shared/schemas/device'

/** `GET /api/sensors/{deviceId}` -> `DeviceState`, 404 when unknown */
export default defineEventHandler((event): DeviceState => requireDevice(event))
