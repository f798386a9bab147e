// Queries for the whole fleet at a past time, and whether a time can be shown at all.
import type { DeviceState, DevicesQuery } from '#shared/schemas/device'
import { fromMicroseconds, toMicroseconds } from '#shared/time/time'
import { createDeviceList } from '../fleet/device-list'
import type { DeviceList, DeviceListAnswer } from '../fleet/device-list'
import { createFleet } from '../fleet/fleet'
import { createSnapshot } from '../fleet/snapshot'
import type { History } from '../history/contract'
import type { Replays } from './replays'
import type { Settings } from '../settings'

/** Why a query cannot be answered; the message can be shown to a client. */
export interface PointInTimeError { status: number, code: string, message: string }

interface PointInTimeParts { history: History | undefined, replays: Replays, limits: Settings['limits'] }

export const BUSY: PointInTimeError = {
  status: 429,
  code: 'replays-busy',
  message: 'As many replays are running as are allowed. Try again soon, or raise NUXT_LIMITS_REPLAYS.',
}

/** Why a time (microseconds since 1970) cannot be shown; undefined: it can. */
export async function pointInTimeError(
  { history, replays }: Pick<PointInTimeParts, 'history' | 'replays'>,
  at: number,
): Promise<PointInTimeError | undefined> {
  if (!history) return {
    status: 404,
    code: 'history-off',
    message: 'The past cannot be shown: the history is off, for the application runs with NUXT_HISTORY=off.',
  }
  if (!history.isOpen()) return { status: 503, code: 'history-unavailable', message: history.fault() ?? 'The history is not open.' }
  if (at > Date.now() * 1_000) return { status: 400, code: 'at-in-future', message: `Nothing can be shown of ${fromMicroseconds(at)}: it lies in the future.` }
  const first = await replays.earliest()
  if (first === undefined) return { status: 400, code: 'at-too-early', message: 'The past cannot be shown: no message is stored yet.' }
  if (at < first) return {
    status: 400,
    code: 'at-too-early',
    message: `Nothing is stored of ${fromMicroseconds(at)}: the history begins at ${fromMicroseconds(first)}.`,
  }
  return undefined
}

/**
 * The devices at a time, by the same query as the present ones; `sees`: only those whose present labels are within a
 * device scope.
 */
export async function answerDevicesAt(
  { replays, limits }: PointInTimeParts,
  at: string,
  query: DevicesQuery,
  encoding: Parameters<DeviceList['answer']>[1],
  sees?: (deviceId: string) => boolean,
): Promise<DeviceListAnswer | PointInTimeError> {
  const devices = await replays.devicesAt(toMicroseconds(at))
  if (!devices) return BUSY
  // What was stored was within the limits; none of it is left out.
  const fleet = createFleet({ ...limits, devices: Infinity, metricsPerMessage: Infinity, fleetBytes: Infinity })
  for (const device of devices) fleet.restore(device, 0)
  return createDeviceList(fleet, createSnapshot(fleet)).answer(query, encoding, sees)
}

/** One device at a time. */
export async function answerDeviceAt(
  { replays }: PointInTimeParts,
  at: string,
  deviceId: string,
): Promise<DeviceState | PointInTimeError> {
  const devices = await replays.devicesAt(toMicroseconds(at), [deviceId])
  if (!devices) return BUSY
  return devices[0] ?? {
    status: 404,
    code: 'device-unknown',
    message: `Of the device “${deviceId.slice(0, 128)}” nothing was measured up to ${at}, or it is not stored.`,
  }
}
