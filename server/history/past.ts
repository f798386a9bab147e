import type { DatabaseSync } from 'node:sqlite'
import { createMoments } from './moment'
import type { DeviceMoment } from './moment'
import { createPassages, createPause } from './passage'
import type { Passage, PassageOptions } from './passage'
import type { Store } from './store'

/** The past of all devices, read in slices. Times in microseconds since 1970; nothing here writes. Throws when the store is closed. */
export interface Past {
  /** Tells each device that had said something up to a moment, and how that left it; ends early where nobody waits for it. */
  moment: (at: number, devices: readonly string[] | undefined, visit: (deviceId: string, moment: DeviceMoment) => void, isWanted: () => boolean) => Promise<void>
  /** What was measured from a moment on, as far as it fits. */
  passage: (options: Omit<PassageOptions, 'devices'> & { devices: ReadonlySet<string> | undefined }) => Promise<Passage>
  nameOf: (device: number) => string
  /** The first moment that something can be said about; undefined: nothing is stored. */
  earliest: () => Promise<number | undefined>
}

/** Messages come a little out of order, so the first need not be in the segment that ends first. */
const OLDEST_SEGMENTS = 1_000

export function createPast(database: DatabaseSync, { archive, tail, idOf, kept }: Pick<Store, 'archive' | 'tail' | 'idOf' | 'kept'>): Past {
  const momentOf = createMoments(database, archive, tail.of)
  const names = new Map<number, string>()
  const newDevices = database.prepare('SELECT id, name FROM device WHERE id > ? ORDER BY id')
  const oldestSegments = database.prepare(`SELECT min(first) AS first FROM (SELECT first FROM segment ORDER BY last LIMIT ${OLDEST_SEGMENTS})`)
  let newestDevice = 0

  /** Devices by number; those that have come since are read when somebody asks. */
  function known(): ReadonlyMap<number, string> {
    for (const { id, name } of newDevices.iterate(newestDevice)) {
      names.set(Number(id), String(name))
      newestDevice = Number(id)
    }
    return names
  }

  const passage = createPassages(database, () => known().keys(), tail.of)

  return {
    async moment(at, devices, visit, isWanted) {
      const pause = createPause(isWanted)
      for (const deviceId of devices ?? [...known().values()]) {
        if (await pause()) return
        const device = idOf(deviceId)
        const moment = device === undefined ? undefined : momentOf(device, at)
        if (moment) visit(deviceId, moment)
      }
    },
    passage: ({ devices, ...options }) => passage({ ...options, devices: devices && new Set([...devices].flatMap(deviceId => idOf(deviceId) ?? [])) }),
    nameOf: device => names.get(device) ?? known().get(device) ?? '',
    async earliest() {
      const pause = createPause(() => true)
      const packed = oldestSegments.get()?.first
      let first = typeof packed === 'number' ? packed : Infinity
      for (const device of known().keys()) {
        await pause()
        for (const { time } of tail.of(device)) first = Math.min(first, time)
      }
      return first === Infinity ? undefined : Math.max(first, kept.raw)
    },
  }
}
