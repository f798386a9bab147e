import type { ClusterShares } from '../costs.ts'
import type { Store } from '../sites.ts'

export interface Scenario {
  store: Store
  /** Messages a second. */
  perSecond: number
  /** `paced`: as in the bench, in bursts a millisecond apart, on its processors; `random`: each device when it pleases. */
  arrivals: 'paced' | 'random'
  /** Viewers of all replicas together. */
  viewers: number
  /** Milliseconds that events wait for company on their way to a viewer; 0: none. */
  batchMs: number
  /** Share of the messages that a viewer wants to hear of. */
  interest: number
  /** 1: a server by itself. More: a cluster, in which each replica takes a share and follows the log of all. */
  replicas: number
  /** What a replica of a cluster spends on a message. */
  shares: ClusterShares
  /** Broker nodes, and what a message costs one of them, where that is not what was measured. */
  brokers: number
  brokerSeconds?: number
}
