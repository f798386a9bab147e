// Owns presence transitions: the presence of each device since when. A message costs only one set entry here.
// Transitions are limited in memory and on disk. Time in which no server ran is `unknown`.
import type { DatabaseSync } from 'node:sqlite'
import type { PresenceChange } from '#shared/schemas/device'
import type { PresenceAnswer } from '#shared/schemas/history'
import { transitionOf, mergeTransitions } from '../engine/merge-transitions'
import { BEAT_MS, GATHER_MS, MAX_WAITING_TRANSITIONS, presenceAnswer } from '../engine/presence-log'
import { createPresenceTable } from './presence-table'
import { restAfter, startSlice } from '../engine/scheduler'

export interface PresenceLogOptions {
  /** Runs a change in one small transaction as soon as no turn is being stored; false when it cannot run. */
  transact: (change: () => void) => Promise<boolean>
  /** The same at once; false: not possible now. @throws when the store fails. */
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

  /** Writes as many transitions as time allows, and that the server runs; adds the finished ones to `written`. */
  function writeSome(written: PresenceChange[], inTime: () => boolean) {
    for (const change of waiting) {
      const device = idOf(change.deviceId)
      // A device that only others have mentioned has no history yet: nothing is stored for it.
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
      // The store has failed and reports that itself; the transitions wait for the next time.
    }
  }

  return {
    /** Continues after an earlier start: presence is unknown since its last sign of life. */
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
    /** The waiting transitions of a deleted device. */
    forget(deviceId: string) {
      for (const change of waiting) if (change.deviceId === deviceId) waiting.delete(change)
    },
    /** Writes what waits, before the end. */
    flush() {
      const written: PresenceChange[] = []
      try {
        if (table && transactNow(() => writeSome(written, () => true))) waiting.clear()
      }
      catch {
        // The store has failed and reports that itself.
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
