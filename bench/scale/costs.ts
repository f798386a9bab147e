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

/** What a replica of a cluster spends on a message, as shares of what a server by itself spends on it. */
export interface ClusterShares {
  /** On one of its share: to take it in and to store it. */
  take: number
  /** On every one, whoever took it in: to read it back from the log and bring its own live view up to date. */
  follow: number
}

/** 8.8 and 7.7 of 16.0 µs of CPU: `bench/cluster`, 26 November 2026, medians of three rounds, two cores that all parts shared. */
export const CLUSTER: ClusterShares = { take: 0.55, follow: 0.48 }

/**
 * Messages a second that one log has been seen to take for long, by one server, with up to a thousand in a commit: the same run's median. One of
 * its rounds had 73,750; nobody has seen where it ends.
 */
export const LOG_PER_SECOND = 57_000
