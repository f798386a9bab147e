// Stores the counts that include messages which are not stored themselves. They are written in the background, so
// after a crash they are at most a minute old. Counts of stored messages are written with the state of each device, in
// the transaction that packs it, and are exact.
import { z } from 'zod'
import { readJson } from '#shared/text/json'
import type { DocumentChange, Documents } from '../history/documents'
import { nextTurn, startSlice } from '../history/engine/scheduler'
import type { Counters } from '../fleet/counters'
import type { Fleet } from '../fleet/fleet'

/** The kind of its documents. */
const COUNTERS = 'counters'
/** Devices share this many documents, by their names: one each would be a hundred thousand. */
const DOCUMENTS = 1_024
/** How often they are written; writing takes a moment. */
const EVERY_MS = 50_000
/** So many documents in one transaction. */
const AT_ONCE = 16

const count = z.number().int().nonnegative()
const RowsSchema = z.array(z.tuple([z.string(), count, count, count]))
type Rows = z.infer<typeof RowsSchema>

/** Which document holds the counters of a device. */
function documentOf(deviceId: string): number {
  let hash = 0
  for (let i = 0; i < deviceId.length; i++) hash = (Math.imul(hash, 31) + deviceId.charCodeAt(i)) | 0
  return (hash >>> 0) % DOCUMENTS
}

export interface CounterStoreParts {
  fleet: Pick<Fleet, 'groups' | 'findRecord'>
  counters: Pick<Counters, 'beside' | 'addBeside' | 'isChanged' | 'setChanged'>
  documents: Pick<Documents, 'all' | 'write'>
}

export function createCounterStore({ fleet, counters, documents }: CounterStoreParts) {
  const changed = new Set<number>()
  let isLoaded = false
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  /** All known devices, by place. */
  function* devices(): Generator<{ deviceId: string, place: number }> {
    for (const { members } of fleet.groups()) {
      for (const { place, lastTelemetry: { deviceId } } of members) {
        // A dropped one stays at its place until another takes it.
        if (fleet.findRecord(deviceId)?.place === place) yield { deviceId, place }
      }
    }
  }

  /** Goes through all devices, a few milliseconds at a time. */
  async function forEach(visit: (deviceId: string, place: number) => void) {
    let inTime = startSlice()
    for (const { deviceId, place } of devices()) {
      visit(deviceId, place)
      if (inTime()) continue
      await nextTurn()
      inTime = startSlice()
    }
  }

  async function takeChanged(): Promise<Map<number, Rows>> {
    await forEach((deviceId, place) => {
      if (counters.isChanged(place)) changed.add(documentOf(deviceId))
    })
    const rows = new Map<number, Rows>(Array.from(changed, n => [n, []]))
    changed.clear()
    if (rows.size === 0) return rows
    await forEach((deviceId, place) => {
      const own = rows.get(documentOf(deviceId))
      if (!own) return
      const { received, duplicate, rejected } = counters.beside(place)
      own.push([deviceId, received, duplicate, rejected])
      counters.setChanged(place, false)
    })
    return rows
  }

  async function writeAll() {
    const rows = [...await takeChanged()]
    while (rows.length > 0) {
      const some = rows.splice(0, AT_ONCE)
      try {
        await documents.write(some.map(toDocument))
      }
      catch {
        // The store has failed and reports that itself; they are written the next time.
        for (const [n] of [...some, ...rows]) changed.add(n)
        return
      }
    }
  }

  function write(): Promise<void> {
    return running ??= writeAll().finally(() => { running = undefined })
  }

  return {
    /** Takes what an earlier start has left, once the fleet is as it was. */
    load() {
      if (isLoaded) return
      for (const { name, body } of documents.all(COUNTERS)) {
        const { data } = RowsSchema.safeParse(readJson(body))
        // Of another version of the application, or of a device that is gone.
        for (const [deviceId, received, duplicate, rejected] of data ?? []) {
          if (documentOf(deviceId) === Number(name)) counters.addBeside(deviceId, { received, duplicate, rejected })
        }
      }
      isLoaded = true
      timer = setInterval(() => void write(), EVERY_MS)
      timer.unref()
    },
    /** A device was deleted: its counts are deleted. */
    forget(deviceId: string) {
      changed.add(documentOf(deviceId))
      void write()
    },
    /** Writes what has changed; the way out. */
    async stop() {
      clearInterval(timer)
      await running
      if (isLoaded) await write()
    },
  }
}

function toDocument([n, rows]: [number, Rows]): DocumentChange {
  return { kind: COUNTERS, name: String(n), body: rows.length === 0 ? null : JSON.stringify(rows) }
}
