import type { ClosedClient } from './keepalive'

/** Of all live clients since the start, but for what is the case now. */
export interface StreamCounts {
  published: number
  /** Events written to clients, each once for each client; those merged for slow clients instead. */
  delivered: number
  coalesced: number
  givenUp: Record<ClosedClient, number>
  /** Now. */
  slowClients: number
  waitingBytes: number
}

/** Counts by the turn and by the delivery, never by the client: a message may go to thousands. */
export function createStreamStats() {
  let published = 0
  let offered = 0
  let coalesced = 0
  const givenUp: Record<ClosedClient, number> = { stuck: 0, unanswered: 0, failed: 0 }
  return {
    publish: (events: number) => { published += events },
    /** So many events are on their way to so many clients, unless they are merged. */
    offer: (events: number, clients: number) => { offered += events * clients },
    merge: (events: number) => { coalesced += events },
    giveUp: (why: ClosedClient) => { givenUp[why]++ },
    counts: () => ({ published, delivered: offered - coalesced, coalesced, givenUp: { ...givenUp } }),
  }
}
