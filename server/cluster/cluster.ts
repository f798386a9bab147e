// Owns what makes this server one of several replicas: it joins the shared history (`./replica.ts`) with the rooms of
// this server. Promises that every replica applies the same records in the same order. Never stores anything outside
// the shared database.
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

/** The longest wait of a client that comes from another replica, until this one has applied the same events. */
const CATCH_UP_MS = 3_000

export interface ClusterOptions extends Omit<HistoryOptions, 'onOpen' | 'durability'> {
  url: string
  clientId: () => string
  /** The rooms; read when the first record is there. */
  rooms: () => LogApplierParts
  /** The documents are loaded. */
  onDocuments: () => void
  onLead: (leads: boolean) => void
  /** Whether messages can arrive. */
  isListening: () => boolean
  /** The replica must be restarted. */
  onOutdated: (reason: string) => void
}

export interface Cluster {
  replica: Replica
  /** The name of this replica's session at the broker; no other replica has it. */
  session: () => string
  sessionOf: (slot: number) => string
  passing: () => string
  numbering: { epoch: () => string, current: () => number }
  /** A number for an audit entry that no other replica uses. */
  auditId: (last: number) => number
  /**
   * Reports a presence to all replicas if this one is the authority; false: no replica is now, and every server
   * decides for itself.
   */
  reportPresence: (change: PresenceChange, isTurn: boolean) => boolean
  /** Whether this replica decides who is silent. */
  isPresenceAuthority: () => boolean
  /** Where a device was before its last change. */
  noteMove: LogApplier['note']
  /** Resolves when this replica has applied the last event that a client has. */
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
    // The replica that led before may have stopped a while ago: every device gets a whole interval again.
    presence.listen(false, now)
    presence.listen(options.isListening(), now)
    presence.reportDifferences(deviceId => fleet.getIncludingHidden(deviceId)?.presence)
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
    reportPresence(change, isTurn) {
      if (isLoading) return true
      if (replica.fault() !== null) return false
      if (!replica.leads()) return true
      if (isTurn) replica.presence.note(change)
      replica.broadcast('presence', change.deviceId, change)
      return true
    },
    isPresenceAuthority: () => replica.leads() || replica.fault() !== null,
    noteMove: (deviceId, before) => following?.note(deviceId, before),
    async reached(n) {
      const timeout = new Promise<void>(resolve => setTimeout(resolve, CATCH_UP_MS).unref())
      await Promise.race([replica.reached(n), timeout])
    },
  }
}
