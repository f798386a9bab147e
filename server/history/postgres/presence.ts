import { PresenceSchema } from '#shared/schemas/device'
import type { PresenceChange } from '#shared/schemas/device'
import { MAX_PRESENCE_LINES } from '#shared/schemas/history'
import { BEAT_MS, GATHER_MS, MAX_WAITING_TRANSITIONS, presenceAnswer } from '../engine/presence-log'
import type { PresenceLog } from '../engine/presence-log'
import { afterGap, transitionOf, mergeTransitions } from '../engine/merge-transitions'
import type { PresenceTransition } from '../engine/merge-transitions'
import { setMeta } from './migrations'
import type { Query, Row } from './connections'
import type { Work } from './writer'

/** The row for all devices: from its times on no server ran. */
const EVERYBODY = 0
/** Transitions per transaction. */
const LINES_PER_STEP = 5_000

export interface PostgresPresenceOptions {
  work: (given: Work) => Promise<void>
  /** @throws while the history is not open. */
  read: Query
  idOf: (deviceId: string) => number | undefined
  now: () => number
}

/** The presence log (`../engine/presence-log.ts`) in PostgreSQL. */
export function createPostgresPresence({ work, read, idOf, now }: PostgresPresenceOptions) {
  const waiting = new Set<PresenceChange>()
  let lastGap = 0
  let gathering: NodeJS.Timeout | undefined
  let beating: NodeJS.Timeout | undefined

  /** Writes some of the waiting transitions, and that the server runs. */
  async function writeSome() {
    const written = [...waiting].slice(0, LINES_PER_STEP)
    await work({
      begin() {
        // A device that only others have mentioned has no history yet: nothing is stored for it.
        const lines = written.flatMap((change) => {
          const device = idOf(change.deviceId)
          return device === undefined ? [] : { device, ...transitionOf(change) }
        })
        const beat = setMeta('listening', now() * 1_000)
        return async (query) => {
          await writeLines(lines, lastGap, query)
          await query(beat)
        }
      },
      done: () => written.forEach(change => waiting.delete(change)),
    })
  }

  async function write() {
    gathering = undefined
    try {
      do await writeSome()
      while (waiting.size > 0)
    }
    catch {
      // The store has failed and reports that itself; the transitions wait for the next time.
    }
  }

  const linesOf = async (device: number, to: number) =>
    (await read('SELECT time, state FROM presence WHERE device = $1 AND time <= $2 ORDER BY time', [device, to])).map(toLine)

  const log: PresenceLog = {
    note(change) {
      waiting.add(change)
      if (waiting.size > MAX_WAITING_TRANSITIONS) for (const oldest of waiting) if (waiting.delete(oldest)) break
      gathering ??= setTimeout(() => void write(), GATHER_MS).unref()
    },
    async read(deviceId, { from, to }, limit) {
      const unwritten = [...waiting].filter(change => change.deviceId === deviceId).map(transitionOf)
      const device = idOf(deviceId)
      const own = device === undefined ? [] : await linesOf(device, to)
      const gaps = (await linesOf(EVERYBODY, to)).map(({ time }) => time)
      return presenceAnswer(deviceId, { from, to }, mergeTransitions([...own, ...unwritten], gaps), limit)
    },
  }

  return {
    log,
    /** Continues after an earlier start, if there was one: presence is unknown since its last sign of life. */
    async open(query: Query, isStart: boolean) {
      const since = (await query('SELECT value FROM meta WHERE key = \'listening\''))[0]?.value
      if (isStart && typeof since === 'number') {
        await query('INSERT INTO presence (device, time, state) VALUES ($1, $2, \'unknown\') ON CONFLICT DO NOTHING', [EVERYBODY, since])
        lastGap = since
      }
      beating = setInterval(() => void write(), BEAT_MS)
      beating.unref()
    },
    /** The waiting transitions of a deleted device. */
    forget(deviceId: string) {
      for (const change of waiting) if (change.deviceId === deviceId) waiting.delete(change)
    },
    /** Writes what waits, before the end. */
    flush: write,
    close() {
      clearTimeout(gathering)
      clearInterval(beating)
      gathering = undefined
    },
  }
}

function toLine({ time, state }: Row): PresenceTransition {
  return { time: Number(time), presence: PresenceSchema.catch('unknown').parse(state) }
}

/** A transition that changes nothing is not written, such as most transitions at a start. */
async function writeLines(lines: readonly (PresenceTransition & { device: number })[], lastGap: number, query: Query) {
  if (lines.length === 0) return
  const newest = new Map((await query('SELECT DISTINCT ON (device) device, time, state FROM presence WHERE device = ANY($1::int[]) ORDER BY device, time DESC', [lines.map(({ device }) => device)]))
    .map(row => [Number(row.device), toLine(row)]))
  const fresh = new Map<string, PresenceTransition & { device: number }>()
  for (const line of lines) {
    const last = newest.get(line.device)
    if (line.presence === (last ? afterGap(last, lastGap) : 'unknown')) continue
    fresh.set(`${line.device} ${line.time}`, line)
    if (!last || line.time >= last.time) newest.set(line.device, line)
  }
  const rows = [...fresh.values()]
  await query('INSERT INTO presence (device, time, state) SELECT * FROM unnest($1::int[], $2::bigint[], $3::text[]) ON CONFLICT (device, time) DO UPDATE SET state = excluded.state',
    [rows.map(({ device }) => device), rows.map(({ time }) => time), rows.map(({ presence }) => presence)])
}

/**
 * Deletes the transitions of each device that ended before a time. The newest stays, and the one that held at that
 * time.
 */
export async function pruneTransitions(before: number, query: Query) {
  await query('DELETE FROM presence p WHERE time < (SELECT max(time) FROM presence q WHERE q.device = p.device AND q.time <= $1)', [before])
  await query(`DELETE FROM presence p USING (SELECT device, time, row_number() OVER (PARTITION BY device ORDER BY time DESC) AS place FROM presence) q
    WHERE q.place > ${MAX_PRESENCE_LINES} AND p.device = q.device AND p.time = q.time`)
}
