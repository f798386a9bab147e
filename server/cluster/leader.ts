// The work of one replica at a time: packing, trimming, retention, presence transitions. The leader holds a lock at
// the database; when it stops, the lock is free and another replica takes it.
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
/** A leader that receives nothing for this long gives the lock to a replica that does. */
const RESIGN_AFTER_MS = 5_000
/** Packed records stay in the log for this long, for replicas that were disconnected for a moment. */
const LOG_RETENTION_MS = 60_000

export interface LeaderOptions {
  line: Pick<DedicatedConnection, 'query'>
  jobs: OrderedWrites
  memory: ReplicaState
  partitions: Partitions
  presence: ReturnType<typeof createPostgresPresence>
  stateOf: (deviceId: string) => string | undefined
  /** Resolves when everything that is committed now has been applied. */
  catchUp: () => Promise<void>
  /** Whether this replica receives the devices' messages: otherwise it cannot decide who is silent. */
  mayLead: () => boolean
  onLead: (leads: boolean) => void
  /** The leader's work has failed. */
  onFailure: (error: unknown) => void
  now: () => number
}

/** Whether no replica led for so long that presence is unknown. Times in milliseconds since 1970. */
export function isGap(listenedMs: number, nowMs: number): boolean {
  return listenedMs < nowMs - 2 * BEAT_MS
}

export function createLeader({ line, jobs, memory, partitions, presence, stateOf, catchUp, mayLead, onLead, onFailure, now }: LeaderOptions) {
  const { head } = memory
  let isOpen = true
  let leads = false
  let isBusy = false
  let packed: Promise<void> = Promise.resolve()
  let lastBroadcast = ''
  let mayLeadAt = -Infinity
  /** Positions of the log over time. */
  let positions: { atMs: number, id: number }[] = []

  async function packSome(heads: readonly DeviceHead[]) {
    await jobs.appendAndWait(async (query) => {
      // It may have been deleted since.
      const taken: DeviceToPack[] = heads.flatMap(({ device }) => head.held(device) ?? [])
        .map(own => ({ device: own.device, messages: own.messages(), lastId: own.lastId, state: stateOf(memory.named.of(own.device)) }))
      const segments = await packDevices(taken, memory.newest(), { query, partitions, retained: memory.retained })
      const devices = taken.map(({ device, lastId, messages }): [number, number, number] => [device, lastId, messages.length])
      return { notes: [{ kind: 'packed', value: { newest: memory.newest() + segments, devices } }] }
    })
  }

  function pack(heads: readonly DeviceHead[]): Promise<void> {
    return packed = packed.catch(() => {}).then(async () => {
      for (const some of batchesOf(heads)) if (isOpen && leads) await packSome(some)
    })
  }

  /** Deletes packed records from the log after a while. */
  async function trim() {
    const time = now()
    if ((positions.at(-1)?.atMs ?? 0) + CHECK_EVERY_MS <= time) positions.push({ atMs: time, id: memory.position() })
    const old = positions.filter(({ atMs }) => atMs <= time - LOG_RETENTION_MS)
    positions = positions.filter(({ atMs }) => atMs > time - LOG_RETENTION_MS)
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

  async function broadcastRetained() {
    const value = { ...memory.retained }
    const text = JSON.stringify(value)
    if (text === lastBroadcast) return
    await jobs.appendAndWait(async () => ({ notes: [{ kind: 'retained', value }] }))
    lastBroadcast = text
  }

  async function take() {
    if (!await tryLock(line.query, LOCK, 'hashtext(current_schema())')) return
    // The leader before may have packed since.
    await catchUp()
    if (!isOpen) return
    await jobs.work({
      begin: () => async (query) => {
        await partitions.look(query)
        const since = Number((await query('SELECT value FROM meta WHERE key = \'listening\''))[0]?.value ?? 0)
        // After a handover between leaders, some replica has received messages all the time.
        await presence.open(query, isGap(since / 1_000, now()))
      },
      done() {},
    })
    lastBroadcast = JSON.stringify(memory.retained)
    leads = true
    onLead(true)
    // From now on other replicas can see that one leads.
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
    await broadcastRetained()
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
    /** Starts to compete for the lock. */
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
