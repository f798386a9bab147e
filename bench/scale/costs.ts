// What a message and a viewer cost: the one place that the model takes its numbers from. `npm run bench -- scale` measures them anew and
// calculates with what it has measured; what stands here is the run that docs/scale.md tells of.
import type { Store } from './sites.ts'

/** Of a store. Seconds, of the event loop unless it says otherwise. */
export interface StoreCosts {
  /** Of a message, with everything that is done to keep it. */
  message: number
  /** Of a commit: to give it to the store, and to acknowledge what was in it. */
  commit: number
  /** On the way outside of what is modelled: from the publisher to the broker, on to the server, and to the viewer. Not of the event loop. */
  hop: number
  /** Until the store says that it is kept: of a commit, and of each message in it. Not of the event loop. */
  keepFixed: number
  keepMessage: number
  /** CPU time of the server's other threads for a commit, in which they may have the processor instead of the event loop. */
  beside: number
  /** Messages between two collections of the young generation, and how long one stops everything. */
  pauseEvery: number
  pauseSeconds: number
  /** CPU time of the whole process for each second of its event loop: other threads collect garbage, compile and wait for the disk. */
  threads: number
  /** CPU seconds of the broker for each message at this store's QoS. */
  broker: number
}

export interface Costs {
  /** Share of the event loop that a server takes with nothing to do. */
  idle: number
  /** To wake up when something comes after it had nothing to do. */
  wake: number
  stores: Record<Store, StoreCosts>
  /** To tell viewers something at all; of a write to one of them, whatever is in it; and of each event in it. */
  tell: number
  viewerWrite: number
  viewerEvent: number
  /** To find out whether a viewer wants to hear of a message, where each names devices of their own. */
  viewerLook: number
  /** CPU seconds of the database, for a commit and for each message in it. */
  databaseCommit: number
  databaseMessage: number
  /** Bytes of a replica's memory: with nothing, for each device (three numbers), for each viewer. */
  baseBytes: number
  deviceBytes: number
  /** What of a device's is in the heap when all garbage is collected. */
  deviceHeapBytes: number
  viewerBytes: number
  /** Bytes on disk of a message with three numbers that is kept as it came, its minutes and hours with it. */
  diskBytes: Record<'sqlite' | 'postgres', number>
}

/**
 * What a replica of a cluster spends on a message that another has taken in: it reads it back from the database's log and brings its own
 * live view up to date. A share of what taking in costs, to be replaced by what `bench/cluster` measures.
 */
export const FOLLOW_SHARE = 0.3
