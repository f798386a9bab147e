import type { DeviceState } from '#shared/schemas/device'

/** `GET /api/sensors` -> `DeviceState[]` */
export default defineEventHandler((): DeviceState[] => useLeitstand().fleet.all())
