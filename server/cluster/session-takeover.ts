// When a replica has stopped for good, its messages must not wait at the broker for ever: the leader takes over its
// session, stores what is in it, and ends it. A replica that only restarts comes back sooner than that.
import mqtt from 'mqtt'
import type { Ingest } from '../ingest/ingest'
import { commonOptions } from '../mqtt/client-options'
import { createConnection } from '../mqtt/connection'
import type { Connection } from '../mqtt/connection'
import type { ConnectionOptions } from '../mqtt/session-options'
import type { Replica, Share } from './replica'

const LOOK_EVERY_MS = 2_000
/** How long a replica may take to restart. */
const TAKE_OVER_AFTER_MS = 10_000
/** A session is empty when it has brought nothing for this long. */
const DRAINED_AFTER_MS = 3_000
const END_MS = 5_000

export interface SessionTakeoverOptions {
  replica: Replica
  /** How the broker is reached, and what the session is subscribed to. */
  connection: Omit<ConnectionOptions, 'replica'> & { shareName: string }
  sessionOf: (slot: number) => string
  /** Takes the messages of a share. */
  ingestFor: (share: Share) => Pick<Ingest, 'onMessage' | 'onTurnEnd' | 'onSession' | 'storeFault'>
  onTakenOver: (slot: number, messages: number) => void
}

export function createSessionTakeover({
  replica,
  connection,
  sessionOf,
  ingestFor,
  onTakenOver,
}: SessionTakeoverOptions) {
  const freeSince = new Map<number, number>()
  let timer: NodeJS.Timeout | undefined
  let isBusy = false

  async function look() {
    const orphans = await replica.orphans()
    for (const slot of freeSince.keys()) if (!orphans.includes(slot)) freeSince.delete(slot)
    for (const slot of orphans) {
      const since = freeSince.get(slot) ?? Date.now()
      freeSince.set(slot, since)
      if (Date.now() - since < TAKE_OVER_AFTER_MS) continue
      freeSince.delete(slot)
      await takeOver(slot)
    }
  }

  async function takeOver(slot: number) {
    const share = await replica.takeOver(slot)
    if (!share) return
    try {
      const messages = await drain(share, slot)
      await endSession(sessionOf(slot))
      await share.retire()
      onTakenOver(slot, messages)
    }
    finally {
      await share.close()
    }
  }

  /** Resolves when nothing waits in the session any more, with the number of messages. */
  function drain(share: Share, slot: number): Promise<number> {
    const ingest = ingestFor(share)
    let messages = 0
    let last: number | undefined
    const drained: Connection = createConnection({ ...connection, replica: { shareName: connection.shareName, session: () => sessionOf(slot), passing: () => `${sessionOf(slot)}-passing`, isLeaving: true } }, {
      ...ingest,
      onMessage(message) {
        messages++
        last = performance.now()
        ingest.onMessage(message)
      },
      onStatus({ code }) {
        if (code === 'connected') last = performance.now()
      },
    })
    drained.start()
    return new Promise((resolve, reject) => {
      const watch = setInterval(() => {
        const isInterrupted = !share.isOpen() || timer === undefined
        const isDrained = last !== undefined && performance.now() - last >= DRAINED_AFTER_MS && !share.isBusy()
        if (!isInterrupted && !isDrained) return
        clearInterval(watch)
        void drained.stop().then(() => isInterrupted
          ? reject(new Error('This replica does not lead any more.'))
          : resolve(messages))
      }, LOOK_EVERY_MS / 10)
    })
  }

  /** A session that is started clean and without expiry is deleted. */
  async function endSession(clientId: string) {
    const client = mqtt.connect(connection.url, { ...commonOptions({ ...connection, clientId }, 5), clean: true, properties: { sessionExpiryInterval: 0 } })
    await new Promise<void>((resolve) => {
      const giveUp = setTimeout(resolve, END_MS)
      client.once('connect', () => client.end(false, {}, () => {
        clearTimeout(giveUp)
        resolve()
      }))
      client.on('error', () => resolve())
    })
    client.end(true)
  }

  return {
    start() {
      timer ??= setInterval(() => {
        if (isBusy) return
        isBusy = true
        // A session that could not be taken over waits for the next check.
        void look().catch(() => {}).finally(() => { isBusy = false })
      }, LOOK_EVERY_MS)
      timer.unref()
    },
    stop() {
      clearInterval(timer)
      timer = undefined
      freeSince.clear()
    },
  }
}
