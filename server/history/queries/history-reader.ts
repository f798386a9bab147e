import { createStateAt } from './state-at'
import type { DeviceStateAt } from './state-at'
import { createRangeScan, createPause } from './range-scan'
import type { ScannedRange, RangeScanOptions } from './range-scan'
import type { Readable } from '../engine/segment-store'

/** The past of all devices, read in slices. Times in microseconds since 1970; nothing here writes. Throws when the store is closed. */
export interface HistoryReader {
  /** Tells each device that had said something up to a moment, and how that left it; ends early where nobody waits for it. */
  moment: (at: number, devices: readonly string[] | undefined, visit: (deviceId: string, moment: DeviceStateAt) => void, isWanted: () => boolean) => Promise<void>
  /** What was measured from a moment on, as far as it fits. */
  passage: (options: Omit<RangeScanOptions, 'devices'> & { devices: ReadonlySet<string> | undefined }) => Promise<ScannedRange>
  nameOf: (device: number) => string
  /** The first moment that something can be said about; undefined: nothing is stored. */
  earliest: () => Promise<number | undefined>
}

/** What devices are called: all that are known when it is asked for, or one. */
export interface DeviceNames { all: () => ReadonlyMap<number, string>, of: (device: number) => string }

export function createHistoryReader(readable: Readable, names: DeviceNames): HistoryReader {
  const { segmentStore, uncompacted, device: idOf, kept } = readable
  const momentOf = createStateAt(readable)
  const passage = createRangeScan(readable, () => names.all().keys())

  return {
    async moment(at, devices, visit, isWanted) {
      const pause = createPause(isWanted)
      for (const deviceId of devices ?? [...names.all().values()]) {
        if (await pause()) return
        const device = idOf(deviceId)
        const moment = device === undefined ? undefined : await momentOf(device, at)
        if (moment) visit(deviceId, moment)
      }
    },
    passage: ({ devices, ...options }) => passage({ ...options, devices: devices && new Set([...devices].flatMap(deviceId => idOf(deviceId) ?? [])) }),
    nameOf: names.of,
    async earliest() {
      const pause = createPause(() => true)
      let first = await segmentStore.earliest() ?? Infinity
      for (const device of names.all().keys()) {
        await pause()
        for (const { time } of uncompacted(device)) first = Math.min(first, time)
      }
      return first === Infinity ? undefined : Math.max(first, kept.raw)
    },
  }
}
