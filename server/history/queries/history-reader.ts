import { createStateAt } from './state-at'
import type { DeviceStateAt } from './state-at'
import { createRangeScan, createPause } from './range-scan'
import type { ScannedRange, RangeScanOptions } from './range-scan'
import type { Readable } from '../engine/segment-store'

/**
 * Reads the history of all devices in slices. Times in microseconds since 1970. It never writes, and throws when the
 * store is closed.
 */
export interface HistoryReader {
  /**
   * Visits each device that had sent something up to a time, with its state then; stops early when `isWanted` returns
   * false.
   */
  devicesAt: (
    at: number,
    devices: readonly string[] | undefined,
    visit: (deviceId: string, state: DeviceStateAt) => void,
    isWanted: () => boolean,
  ) => Promise<void>
  /** Messages measured from a time on, up to the limit. */
  scan: (options: Omit<RangeScanOptions, 'devices'> & {
    devices: ReadonlySet<string> | undefined
  }) => Promise<ScannedRange>
  nameOf: (device: number) => string
  /** The earliest time with data; undefined: nothing is stored. */
  earliest: () => Promise<number | undefined>
}

/** The names of devices: all that are known at the time of the call, or one. */
export interface DeviceNames { all: () => ReadonlyMap<number, string>, of: (device: number) => string }

export function createHistoryReader(readable: Readable, names: DeviceNames): HistoryReader {
  const { segmentStore, uncompacted, device: idOf, retained } = readable
  const momentOf = createStateAt(readable)
  const scan = createRangeScan(readable, () => names.all().keys())

  return {
    async devicesAt(at, devices, visit, isWanted) {
      const pause = createPause(isWanted)
      for (const deviceId of devices ?? [...names.all().values()]) {
        if (await pause()) return
        const device = idOf(deviceId)
        const state = device === undefined ? undefined : await momentOf(device, at)
        if (state) visit(deviceId, state)
      }
    },
    scan: ({ devices, ...options }) => scan({
      ...options,
      devices: devices && new Set([...devices].flatMap(deviceId => idOf(deviceId) ?? [])),
    }),
    nameOf: names.of,
    async earliest() {
      const pause = createPause(() => true)
      let first = await segmentStore.earliest() ?? Infinity
      for (const device of names.all().keys()) {
        await pause()
        for (const { time } of uncompacted(device)) first = Math.min(first, time)
      }
      return first === Infinity ? undefined : Math.max(first, retained.raw)
    },
  }
}
