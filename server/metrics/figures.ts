import type { PresenceCounts } from '#shared/schemas/device'
import type { BrokerCode } from '#shared/schemas/health'
import type { Refusals } from '#shared/schemas/refusal'
import type { RejectionReport } from '#shared/schemas/rejection'

/** Figures of the other rooms at one time; counts since the start. Undefined: not available now. */
export interface Figures {
  messages: { received: number, accepted: number, duplicate: number }
  rejected: RejectionReport['byReason']
  devices: { byPresence: PresenceCounts, limit: number }
  stream: {
    clients: number
    replays: number
    clientLimit: number
    replayLimit: number
    published: number
    delivered: number
    coalesced: number
    givenUp: Record<string, number>
    slowClients: number
    waitingBytes: number
    waitingLimit: number
  }
  broker: { code: BrokerCode, sinceMs: number, attempts: number, connects: number, resumed: boolean | undefined }
  store: {
    isEnabled: boolean
    hasFailed: boolean
    databaseBytes: number | undefined
    logBytes: number | undefined
    freeBytes: number | undefined
    /** Of an open history. */
    history: {
      uncompacted: number
      uncommitted: number
      commits: number
      commitSeconds: number
      usedBytes: number | undefined
      limitBytes: number
      /** Time of the oldest message in microseconds since 1970. */
      rawFrom: number | null | undefined
    } | undefined
  }
  /** Only where this is one of several replicas. */
  cluster: { leads: boolean, slot: number | undefined, position: number } | undefined
  refused: Refusals
  logins: { failed: number, refused: number, provider: number }
}
