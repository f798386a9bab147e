import { randomBytes } from 'node:crypto'

export type LiveType = 'telemetry' | 'state' | 'broker'

/** An event with its data as JSON text, encoded once for everybody. */
export interface LiveEvent { n: number, type: LiveType, deviceId: string | undefined, data: string }

/** What came after an event that a client names; or why that cannot be said. */
export type Missed = { events: readonly LiveEvent[] } | { reason: 'too-old' | 'restarted' }

/** So many entries may lie dead at the front before they are cleared away. */
const SPARE_ENTRIES = 1_000

/** Numbers events and remembers the last of them, within a budget of characters, for clients that come back. */
export function createEventLog(budget: number) {
  // Ids of another start of the server are recognised by this.
  const epoch = randomBytes(6).toString('base64url')
  let events: LiveEvent[] = []
  let head = 0
  let held = 0
  let last = 0

  return {
    add(type: LiveType, deviceId: string | undefined, data: string): LiveEvent {
      const event = { n: ++last, type, deviceId, data }
      events.push(event)
      held += data.length
      while (held > budget) held -= events[head++]?.data.length ?? held
      if (head > SPARE_ENTRIES && head * 2 > events.length) {
        events = events.slice(head)
        head = 0
      }
      return event
    },
    last: () => last,
    idOf: (n: number) => `${epoch}.${n}`,
    after(id: string): Missed {
      const [start, number] = id.split('.')
      const n = Number(number)
      if (start !== epoch || !Number.isInteger(n) || n > last) return { reason: 'restarted' }
      const first = events[head]?.n ?? last + 1
      return n + 1 < first ? { reason: 'too-old' } : { events: events.slice(head + n + 1 - first) }
    },
  }
}
export type EventLog = ReturnType<typeof createEventLog>
