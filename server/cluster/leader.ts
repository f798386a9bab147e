// What only one replica does at a time: packing, trimming, retention, the lines of presence. It is the one that holds a lock at the
// database; when it goes, the lock is free and the next one takes it.
import { CHECK_EVERY_MS, dueHeads } from '../history/engine/compactor'
import { packDevices } from '../history/postgres/compaction'
import type { DeviceToPack } from '../history/postgres/compaction'
import { batchesOf } from '../history/postgres/batches'
import type { Partitions } from '../history/postgres/partitions'
import type { createPostgresPresence } from '../history/postgres/presence'
import { tryLock } from '../history/postgres/connections'
import type { DedicatedConnection } from '../history/postgres/connections'
import { setMeta } from '../history/postgres/migrations'
import { BEAT_MS } from '../history/engine/presence-log'
import type { DeviceHead } from '../history/engine/head'
import type { OrderedWrites } from './ordered-writes'
import type { ReplicaState } from './replica-state'

const LOCK = 1_279_677_270
/** Whoever hears nothing for so long leaves it to somebody who does. */
const RESIGN_AFTER_MS = 5_000
/** What is packed stays in the log for so long, for whoever was away for a moment. */
const KEEP_LOG_MS = 60_000

export interface LeaderOptions {
  line: Pick<DedicatedConnection, 'query'>
  jobs: OrderedWrites
  memory: ReplicaState
  partitions: Partitions
  presence: ReturnType<typeof createPostgresPresence>
  stateOf: (deviceId: string) => string | undefined
  /** Resolves when everything that is committed by now has been followed. */
  catchUp: () => Promise<void>
  /** Whether this replica hears what devices say: else it cannot tell who is silent. */
  mayLead: () => boolean
  onLead: (leads: boolean) => void
  /** What has to be done here cannot be done. */
  onFailure: (error: unknown) => void
  now: () => number
}

/** Whether nobody has led for so long that nothing is known of what was not heard since. Times in milliseconds since 1970. */
export function isGap(listenedMs: number, nowMs: number): boolean {
  return listenedMs < nowMs - 2 * BEAT_MS
}

export function createLeader({ line, jobs, memory, partitions, presence, stateOf, catchUp, mayLead, onLead, onFailure, now }: LeaderOptions) {
  const { head } = memory
  let isOpen = true
  let leads = false
  let isBusy = false
  let packed: Promise<void> = Promise.resolve()
  let keptTold = ''
  let mayLeadAt = -Infinity
  /** How far the log was when. */
  let past: { atMs: number, id: number }[] = []

  async function packSome(heads: readonly DeviceHead[]) {
    await jobs.told(async (query) => {
      // It may have been forgotten since.
      const taken: DeviceToPack[] = heads.flatMap(({ device }) => head.held(device) ?? [])
        .map(own => ({ device: own.device, messages: own.messages(), lastId: own.lastId, state: stateOf(memory.named.of(own.device)) }))
      const segments = await packDevices(taken, memory.newest(), { query, partitions, retained: memory.kept })
      const devices = taken.map(({ device, lastId, messages }): [number, number, number] => [device, lastId, messages.length])
      return { notes: [{ kind: 'packed', value: { newest: memory.newest() + segments, devices } }] }
    })
  }

  function pack(heads: readonly DeviceHead[]): Promise<void> {
    return packed = packed.catch(() => {}).then(async () => {
      for (const some of batchesOf(heads)) if (isOpen && leads) await packSome(some)
    })
  }

  /** Deletes what is packed of the log, after a while. */
  async function trim() {
    const time = now()
    if ((past.at(-1)?.atMs ?? 0) + CHECK_EVERY_MS <= time) past.push({ atMs: time, id: memory.position() })
    const old = past.filter(({ atMs }) => atMs <= time - KEEP_LOG_MS)
    past = past.filter(({ atMs }) => atMs > time - KEEP_LOG_MS)
    const upTo = Math.min(old.at(-1)?.id ?? 0, (head.firstId() ?? Infinity) - 1)
    if (upTo <= 0) return
    await jobs.work({
      begin: () => async (query) => {
        await query('DELETE FROM batch WHERE last <= $1', [upTo])
        await query(setMeta('trimmed', upTo))
      },
      done() {},
    })
  }

  async function tellKept() {
    const value = { ...memory.kept }
    const text = JSON.stringify(value)
    if (text === keptTold) return
    await jobs.told(async () => ({ notes: [{ kind: 'kept', value }] }))
    keptTold = text
  }

  async function take() {
    if (!await tryLock(line.query, LOCK, 'hashtext(current_schema())')) return
    // The one before may have packed since.
    await catchUp()
    if (!isOpen) return
    await jobs.work({
      begin: () => async (query) => {
        await partitions.look(query)
        const since = Number((await query('SELECT value FROM meta WHERE key = \'listening\''))[0]?.value ?? 0)
        // Where one has taken over from another, somebody has listened all the time.
        await presence.open(query, isGap(since / 1_000, now()))
      },
      done() {},
    })
    keptTold = JSON.stringify(memory.kept)
    leads = true
    onLead(true)
    // From now on it can be seen that somebody is there.
    await presence.flush()
  }

  async function resign() {
    presence.close()
    leads = false
    onLead(false)
    await line.query(`SELECT pg_advisory_unlock(${LOCK}, hashtext(current_schema()))`)
  }

  async function round() {
    const may = mayLead()
    if (may) mayLeadAt = performance.now()
    if (!leads) return may ? take() : undefined
    if (performance.now() - mayLeadAt > RESIGN_AFTER_MS) return resign()
    await pack(dueHeads(head.all, head.size(), now()))
    await trim()
    await tellKept()
  }

  function look() {
    if (isBusy) return
    isBusy = true
    void round().catch((error: unknown) => {
      if (isOpen) onFailure(error)
    }).finally(() => { isBusy = false })
  }
  const timer = setInterval(look, CHECK_EVERY_MS)
  timer.unref()

  return {
    /** Begins to want to lead. */
    start: look,
    leads: () => leads,
    pack,
    close() {
      isOpen = false
      clearInterval(timer)
      if (leads) presence.close()
      if (leads) onLead(false)
      leads = false
    },
  }
}
export type Leader = ReturnType<typeof createLeader>
