// Owns the lines of presence: which state each device was in since when. Promises that they cost the way of a message nothing
// but a set entry, that they are bounded in memory and on disk, and that time in which no server ran is `unknown`.
import type { DatabaseSync } from 'node:sqlite'
import type { PresenceChange } from '#shared/schemas/device'
import type { PresenceAnswer } from '#shared/schemas/history'
import { transitionOf, mergeTransitions } from '../engine/merge-transitions'
import { BEAT_MS, GATHER_MS, MAX_WAITING_TRANSITIONS, presenceAnswer } from '../engine/presence-log'
import { createPresenceTable } from './presence-table'
import { restAfter, startSlice } from '../engine/scheduler'

export interface PresenceLogOptions {
  /** Runs a change in one small transaction as soon as no turn is being stored; false when it cannot be run. */
  transact: (change: () => void) => Promise<boolean>
  /** The same at once; false: not now. @throws when the store fails. */
  transactNow: (change: () => void) => boolean
  now: () => number
  mostWaiting?: number
}

export function createPresenceLog({ transact, transactNow, now, mostWaiting = MAX_WAITING_TRANSITIONS }: PresenceLogOptions) {
  const waiting = new Set<PresenceChange>()
  let table: ReturnType<typeof createPresenceTable> | undefined
  let idOf: (deviceId: string) => number | undefined = () => undefined
  let gathering: NodeJS.Timeout | undefined
  let beating: NodeJS.Timeout | undefined

  /** Writes what there is time for, and that the server is there; adds to `written` what is done with. */
  function writeSome(written: PresenceChange[], inTime: () => boolean) {
    for (const change of waiting) {
      const device = idOf(change.deviceId)
      // Nothing is stored of a device that only others have spoken for: it has no history yet.
      if (device !== undefined) table?.add(device, transitionOf(change))
      written.push(change)
      if (!inTime()) break
    }
    table?.beat(now() * 1_000)
  }

  async function write() {
    gathering = undefined
    try {
      for (let more = true; more;) {
        const written: PresenceChange[] = []
        const begin = performance.now()
        if (!await transact(() => writeSome(written, startSlice()))) return
        for (const change of written) waiting.delete(change)
        more = waiting.size > 0
        if (more) await restAfter(performance.now() - begin)
      }
    }
    catch {
      // The store has failed and says so itself; they wait for the next time.
    }
  }

  return {
    /** Goes on from what an earlier start has left: since it was last there nobody has listened. */
    open(database: DatabaseSync, deviceIdOf: (deviceId: string) => number | undefined, isWritable = true) {
      table = createPresenceTable(database)
      idOf = deviceIdOf
      if (isWritable) table.begin()
      beating = setInterval(() => void write(), BEAT_MS)
      beating.unref()
    },
    note(change: PresenceChange) {
      waiting.add(change)
      if (waiting.size > mostWaiting) for (const oldest of waiting) if (waiting.delete(oldest)) break
      if (!gathering) gathering = setTimeout(() => void write(), GATHER_MS).unref()
    },
    read(deviceId: string, { from, to }: { from: number, to: number }, limit: number): PresenceAnswer {
      if (!table) throw new Error('The history is not open.')
      const device = idOf(deviceId)
      const own = device === undefined ? [] : table.linesOf(device, to)
      for (const change of waiting) if (change.deviceId === deviceId) own.push(transitionOf(change))
      return presenceAnswer(deviceId, { from, to }, mergeTransitions(own, table.gaps(to)), limit)
    },
    /** What waits to be written of a device that is gone. */
    forget(deviceId: string) {
      for (const change of waiting) if (change.deviceId === deviceId) waiting.delete(change)
    },
    /** Writes what waits; the way out. */
    flush() {
      const written: PresenceChange[] = []
      try {
        if (table && transactNow(() => writeSome(written, () => true))) waiting.clear()
      }
      catch {
        // The store has failed and says so itself.
      }
    },
    close() {
      clearTimeout(gathering)
      clearInterval(beating)
      gathering = undefined
      table = undefined
    },
  }
}
