import { StreamEventSchema } from '#shared/schemas/events'
import type { StreamEvent } from '#shared/schemas/events'
import { onTestFinished } from 'vitest'
import WebSocket from 'ws'

type EventOf<T extends StreamEvent['type']> = Extract<StreamEvent, { type: T }>

export interface Stream {
  /** Everything received so far; each frame was valid by the schema. */
  events: StreamEvent[]
  /** The next event of a type (received already or to come) that fits; what was passed over stays in `events`. */
  next: <T extends StreamEvent['type']>(type: T, fits?: (event: EventOf<T>) => boolean) => Promise<EventOf<T>>
  send: (frame: string) => void
  close: () => void
  closed: Promise<{ code: number, reason: string }>
}

const TIMEOUT_MS = 60_000

/** Connects to `/ws/events` as a plain client; rejects when the upgrade is refused. Closed when the test ends. */
export async function connectStream(url: string, path = '/ws/events', headers: Record<string, string> = {}): Promise<Stream> {
  const socket = new WebSocket(url.replace('http', 'ws') + path, { headers })
  const events: StreamEvent[] = []
  const waiting = new Set<() => void>()
  let read = 0
  socket.addEventListener('message', ({ data }) => {
    events.push(StreamEventSchema.parse(JSON.parse(String(data))))
    for (const look of waiting) look()
  })
  const closed = new Promise<{ code: number, reason: string }>((resolve) => {
    socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }))
  })
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve())
    socket.addEventListener('error', () => reject(new Error(`The upgrade of ${path} was refused.`)))
  })
  onTestFinished(() => socket.close())

  function next<T extends StreamEvent['type']>(type: T, fits: (event: EventOf<T>) => boolean = () => true) {
    return new Promise<EventOf<T>>((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(look)
        reject(new Error(`No fitting ${type} event within ${TIMEOUT_MS} ms; got ${JSON.stringify(events.slice(-5))}`))
      }, TIMEOUT_MS)
      function look() {
        for (; read < events.length; read++) {
          const event = events[read]
          if (!isOfType(event, type) || !fits(event)) continue
          read++
          clearTimeout(timer)
          waiting.delete(look)
          return resolve(event)
        }
      }
      waiting.add(look)
      look()
    })
  }
  return { events, next, closed, send: frame => socket.send(frame), close: () => socket.close() }
}

function isOfType<T extends StreamEvent['type']>(event: StreamEvent | undefined, type: T): event is EventOf<T> {
  return event?.type === type
}
