import type { KnownDevice } from '#shared/schemas/profile'

/** `GET /api/devices/{deviceId}` -> `KnownDevice`; only its name while it has no profile */
export default defineEventHandler((event): KnownDevice => useLeitstand().registry.get(requireDeviceName(event)))
