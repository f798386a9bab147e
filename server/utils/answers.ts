import { createError } from 'h3'
import type { H3Event } from 'h3'
import type { DeviceState } from '#shared/schemas/device'
import { pathSegmentAfter } from './h3-guards'
import { useLeitstand } from './leitstand'

/** The device named in the path, or a 404 that says so. */
export function requireDevice(event: H3Event): DeviceState {
  const deviceId = pathSegmentAfter(event, '/api/sensors/')
  const device = useLeitstand().fleet.get(deviceId)
  if (!device) {
    throw createError({
      statusCode: 404,
      message: `No device “${deviceId.slice(0, 128)}” has been heard since the server started.`,
      data: { code: 'device-unknown' },
    })
  }
  return device
}
