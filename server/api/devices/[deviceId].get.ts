import type { KnownDevice } from '#shared/schemas/profile'

/** `GET /api/devices/{deviceId}` -> `KnownDevice`; its name alone while nobody has said anything */
export default defineEventHandler((event): KnownDevice => useLeitstand().registry.get(requireDeviceName(event)))
