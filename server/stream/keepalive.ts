import type { Subscriber } from './subscriber'

/** Why a client was given up, as it is told itself. */
export const IN_WORDS = {
  stuck: 'nothing was read: reconnect for a fresh snapshot',
  unanswered: 'no answer to a ping',
  failed: 'sending failed',
}
export type ClosedClient = keyof typeof IN_WORDS

/** Slow clients are given what there is room for this often. */
const TEND_EVERY_MS = 100
const HEARTBEAT_EVERY_MS = 10_000
/** A client that has not answered a ping by the next one, and has read nothing meanwhile, is gone. */
const PING_EVERY_MS = 20_000

/** A client with what it had said, and what had waited for it, when it was pinged last. */
export interface WatchedClient { subscriber: Subscriber, heard: number | undefined, buffered: number }

export interface KeepaliveOptions {
  members: ReadonlyMap<string, WatchedClient>
  /** Does something with a client that may fail. */
  attempt: (subscriber: Subscriber, act: () => void) => void
  giveUp: (subscriber: Subscriber, why: ClosedClient) => void
  heartbeat: () => void
}

/** Looks after clients from time to time: the slow ones go on, the stuck and the dead are closed. */
export function createKeepalive({ members, attempt, giveUp, heartbeat }: KeepaliveOptions) {
  const slow = new Set<Subscriber>()
  let waitingBytes = 0
  const timers: NodeJS.Timeout[] = []

  function tend() {
    waitingBytes = 0
    for (const subscriber of slow) {
      attempt(subscriber, () => {
        if (!subscriber.tend()) giveUp(subscriber, 'stuck')
      })
      if (!subscriber.isCoalescing()) slow.delete(subscriber)
      else waitingBytes += subscriber.client.bufferedBytes()
    }
  }

  /** Dead connections are found by what they do not answer. */
  function ping() {
    for (const member of members.values()) {
      const { client } = member.subscriber
      const heard = client.heardBytes()
      const buffered = client.bufferedBytes()
      const reads = member.buffered > 0 && buffered < member.buffered
      if (heard !== undefined && heard === member.heard && !reads) {
        giveUp(member.subscriber, 'unanswered')
        continue
      }
      Object.assign(member, { heard, buffered })
      attempt(member.subscriber, () => client.write(client.framing.ping))
    }
  }

  return {
    /** A client that has become slow. */
    add(subscriber: Subscriber) {
      if (!slow.has(subscriber)) waitingBytes += subscriber.client.bufferedBytes()
      slow.add(subscriber)
    },
    remove: (subscriber: Subscriber) => void slow.delete(subscriber),
    /** Bytes that wait for all slow clients together, at most a tenth of a second ago. */
    waitingBytes: () => waitingBytes,
    slowClients: () => slow.size,
    start() {
      timers.push(setInterval(tend, TEND_EVERY_MS), setInterval(heartbeat, HEARTBEAT_EVERY_MS), setInterval(ping, PING_EVERY_MS))
      for (const timer of timers) timer.unref()
    },
    stop() {
      for (const timer of timers.splice(0)) clearInterval(timer)
    },
  }
}
