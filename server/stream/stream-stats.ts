import type { ClosedClient } from './keepalive'

/** Of all live clients since the start, except for the present values. */
export interface StreamCounts {
  published: number
  /** Events written to clients, counted once per client, and events merged for slow clients instead. */
  delivered: number
  coalesced: number
  givenUp: Record<ClosedClient, number>
  /** Present values. */
  slowClients: number
  waitingBytes: number
}

/** Counts by turn and by delivery, never by client: a message may go to thousands. */
export function createStreamStats() {
  let published = 0
  let offered = 0
  let coalesced = 0
  const givenUp: Record<ClosedClient, number> = { stuck: 0, unanswered: 0, failed: 0 }
  return {
    publish: (events: number) => { published += events },
    /** This many events go to this many clients, unless they are merged. */
    offer: (events: number, clients: number) => { offered += events * clients },
    merge: (events: number) => { coalesced += events },
    giveUp: (why: ClosedClient) => { givenUp[why]++ },
    counts: () => ({ published, delivered: offered - coalesced, coalesced, givenUp: { ...givenUp } }),
  }
}
