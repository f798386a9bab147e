// One of several replicas: joins the history that they share (`./replica.ts`) with the rooms of this one.
import { randomBytes } from 'node:crypto'
import type { PresenceChange } from '#shared/schemas/device'
import { codeFromSeed } from '../auth/secrets'
import type { HistoryOptions } from '../history/contract'
import { createLogApplier } from './log-applier'
import type { LogApplier, LogApplierParts } from './log-applier'
import { isGap } from './leader'
import { createReplica } from './replica'
import { MOST_REPLICAS } from './session-slots'
import type { Replica } from './replica'

/** What a client that comes from another replica waits at most until this one knows what it knows. */
const REACH_MS = 3_000

export interface ClusterOptions extends Omit<HistoryOptions, 'onOpen' | 'durability'> {
  url: string
  clientId: () => string
  /** The rooms; asked for when the first record is there. */
  rooms: () => LogApplierParts
  /** The documents are there. */
  onDocuments: () => void
  onLead: (leads: boolean) => void
  /** Whether messages can arrive. */
  isListening: () => boolean
  /** It has to be started anew. */
  onOutdated: (reason: string) => void
}

export interface Cluster {
  replica: Replica
  /** The name of this replica's session at the broker, and one that no other has. */
  session: () => string
  sessionOf: (slot: number) => string
  passing: () => string
  numbering: { epoch: () => string, current: () => number }
  /** A number for an entry in the audit log that no other replica gives out. */
  auditId: (last: number) => number
  /** What this replica has found of a device, if it is the one that says so; false: every server says so for itself now. */
  found: (change: PresenceChange, isTurn: boolean) => boolean
  /** Whether it is for this replica to say who is silent. */
  judges: () => boolean
  /** Where a device belonged before something else was said of it. */
  noteMove: LogApplier['note']
  /** Resolves when this replica knows the event that a client has had last. */
  reached: (n: number) => Promise<void>
}

export function createCluster(options: ClusterOptions): Cluster {
  const own = randomBytes(6).toString('hex')
  let epoch = own
  let following: LogApplier | undefined
  let isLoading = false

  function lead(leads: boolean) {
    const { presence, fleet } = options.rooms()
    options.onLead(leads)
    if (!leads) return
    const now = Date.now()
    // Whoever led before may have been away for a while: everybody has a whole interval again.
    presence.listen(false, now)
    presence.listen(options.isListening(), now)
    presence.retell(deviceId => fleet.kept(deviceId)?.presence)
  }

  const replica = createReplica({
    ...options,
    onLoad(loaded, seed) {
      epoch = `c${seed.toString(36)}`
      following = createLogApplier(options.rooms())
      options.rooms().accounts.useCode(codeFromSeed(seed))
      isLoading = true
      following.load(loaded, replica.position())
      if (isGap(loaded.listenedMs, Date.now())) options.rooms().presence.restart(Date.now())
      isLoading = false
      options.onDocuments()
    },
    onRecord: record => following?.take(record),
    onBatchEnd() {
      const { hub } = options.rooms()
      hub.passed(replica.position())
      hub.flush()
    },
    mayLead: options.isListening,
    onLead: lead,
  })

  const sessionOf = (slot: number) => `${options.clientId()}-${slot}`

  return {
    replica,
    session: () => sessionOf(replica.slot() ?? 0),
    sessionOf,
    passing: () => `${options.clientId()}-live-${own}`,
    numbering: { epoch: () => epoch, current: () => following?.current() ?? 0 },
    auditId(last) {
      let id = Date.now() * MOST_REPLICAS + (replica.slot() ?? 0) % MOST_REPLICAS
      while (id <= last) id += MOST_REPLICAS
      return id
    },
    found(change, isTurn) {
      if (isLoading) return true
      if (replica.fault() !== null) return false
      if (!replica.leads()) return true
      if (isTurn) replica.presence.note(change)
      replica.tell('presence', change.deviceId, change)
      return true
    },
    judges: () => replica.leads() || replica.fault() !== null,
    noteMove: (deviceId, before) => following?.note(deviceId, before),
    async reached(n) {
      const timeout = new Promise<void>(resolve => setTimeout(resolve, REACH_MS).unref())
      await Promise.race([replica.reached(n), timeout])
    },
  }
}
