import type { Clock } from './clock.ts'
import type { Pacer } from './pacer.ts'
import type { Publisher } from './publisher.ts'
import type { Site } from './site.ts'

/** Messages sent in one turn of the event loop, so that acknowledgements are read in between. */
const BURST = 500
/** Above 250 messages per second they leave in small groups rather than with a timer each. */
const SHORTEST_WAIT_MS = 4
/** Timers hold at most 2^31 ms. */
const LONGEST_WAIT_MS = 60_000

export interface Simulation {
  site: Site
  publisher: Pick<Publisher, 'hasRoom' | 'publish'>
  pacer: Pacer
  clock: Clock
  /** Ends the run when it aborts. */
  signal: AbortSignal
  /** Ends the run when the clock's `nowMs` reaches it. */
  untilMs?: number
}

/** Publishes the site's messages as they fall due, as long as the publisher has room, until the end or the signal. */
export async function runSimulation({ site, publisher, pacer, clock, signal, untilMs = Infinity }: Simulation): Promise<void> {
  while (!signal.aborted) {
    const nowMs = Math.min(clock.nowMs(), untilMs)
    const due = pacer.due(nowMs)
    const sent = publishDue(Math.min(due, BURST))
    pacer.sent(sent)
    if (nowMs >= untilMs) return
    const waitMs = Math.min(Math.max(pacer.waitMs(nowMs), SHORTEST_WAIT_MS), LONGEST_WAIT_MS, untilMs - nowMs)
    await clock.sleep(sent === BURST ? 0 : waitMs, signal)
  }

  function publishDue(count: number): number {
    for (let sent = 0; sent < count; sent++) {
      if (!publisher.hasRoom()) return sent
      const message = site.next(clock.wallMs())
      // A slot in which every device is silent has passed as well.
      if (message) publisher.publish(message)
    }
    return count
  }
}
