import type { Subscriber } from './subscriber'

/** Close reasons as the client sees them. */
export const CLOSE_REASONS = {
  stuck: 'nothing was read: reconnect for a fresh snapshot',
  unanswered: 'no answer to a ping',
  failed: 'sending failed',
}
export type ClosedClient = keyof typeof CLOSE_REASONS

/** How often slow clients get as much as there is room for. */
const POLL_EVERY_MS = 100
const HEARTBEAT_EVERY_MS = 10_000
/** A client that has not answered a ping by the next one, and has read nothing meanwhile, is closed. */
const PING_EVERY_MS = 20_000

/** A client, with its received and buffered bytes at the last ping. */
export interface WatchedClient { subscriber: Subscriber, received: number | undefined, buffered: number }

export interface KeepaliveOptions {
  members: ReadonlyMap<string, WatchedClient>
  /** Runs an action for a client; an error closes that client only. */
  attempt: (subscriber: Subscriber, act: () => void) => void
  giveUp: (subscriber: Subscriber, why: ClosedClient) => void
  heartbeat: () => void
}

/** Polls clients: slow ones get more data, stuck and dead ones are closed. */
export function createKeepalive({ members, attempt, giveUp, heartbeat }: KeepaliveOptions) {
  const slow = new Set<Subscriber>()
  let waitingBytes = 0
  const timers: NodeJS.Timeout[] = []

  function pollSlow() {
    waitingBytes = 0
    for (const subscriber of slow) {
      attempt(subscriber, () => {
        if (!subscriber.poll()) giveUp(subscriber, 'stuck')
      })
      if (!subscriber.isCoalescing()) slow.delete(subscriber)
      else waitingBytes += subscriber.client.bufferedBytes()
    }
  }

  /** A connection that answers nothing is dead. */
  function ping() {
    for (const member of members.values()) {
      const { client } = member.subscriber
      const received = client.receivedBytes()
      const buffered = client.bufferedBytes()
      const reads = member.buffered > 0 && buffered < member.buffered
      if (received !== undefined && received === member.received && !reads) {
        giveUp(member.subscriber, 'unanswered')
        continue
      }
      Object.assign(member, { received, buffered })
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
    /** Bytes that wait for all slow clients together, at most a tenth of a second old. */
    waitingBytes: () => waitingBytes,
    slowClients: () => slow.size,
    start() {
      timers.push(
        setInterval(pollSlow, POLL_EVERY_MS),
        setInterval(heartbeat, HEARTBEAT_EVERY_MS),
        setInterval(ping, PING_EVERY_MS),
      )
      for (const timer of timers) timer.unref()
    },
    stop() {
      for (const timer of timers.splice(0)) clearInterval(timer)
    },
  }
}
