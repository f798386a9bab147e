import WebSocket from 'ws'
import { z } from 'zod'
import { StreamEventSchema } from '#shared/schemas/events'
import type { StreamEvent, StreamRequest } from '#shared/schemas/events'
import type { App } from './app'

const EventLineSchema = z.string().startsWith('data: ')

/** What somebody hears on one connection, as text and as events; `status`: of the upgrade or answer, 101 or 200 when it is open. */
export interface Listener {
  status: number
  text: () => string
  events: () => StreamEvent[]
  say: (request: StreamRequest | { type: 'nonsense' }) => void
  closed: Promise<number>
  close: () => void
}

/** Opens `/ws/events` with a query. */
export async function listen(app: App, headers: Record<string, string>, query = ''): Promise<Listener> {
  const socket = new WebSocket(`${app.url.replace('http', 'ws')}/ws/events${query}`, { headers })
  const frames: string[] = []
  socket.on('message', data => frames.push(String(data)))
  socket.on('error', () => {})
  const closed = new Promise<number>(resolve => socket.once('close', resolve))
  const status = await new Promise<number>((resolve) => {
    socket.once('open', () => resolve(101))
    socket.once('unexpected-response', (_, answer) => resolve(answer.statusCode ?? 0))
  })
  return {
    status,
    closed,
    text: () => frames.join('\n'),
    events: () => frames.map(frame => StreamEventSchema.parse(JSON.parse(frame))),
    say: request => socket.send(JSON.stringify(request)),
    close: () => socket.terminate(),
  }
}

/** Opens `/api/events` with a query. */
export async function listenToServerSent(app: App, headers: Record<string, string>, query = ''): Promise<Listener> {
  const controller = new AbortController()
  const answer = await fetch(`${app.url}/api/events${query}`, { headers, signal: controller.signal })
  let text = ''
  const reading = answer.status === 200 ? read(answer, (chunk) => { text += chunk }) : Promise.resolve()
  return {
    status: answer.status,
    closed: reading.then(() => 0),
    text: () => text,
    events: () => text.split('\n').filter(line => EventLineSchema.safeParse(line).success).map(line => StreamEventSchema.parse(JSON.parse(line.slice('data: '.length)))),
    say: () => {},
    close: () => controller.abort(),
  }
}

async function read(answer: Response, take: (chunk: string) => void) {
  const decoder = new TextDecoder()
  try {
    for await (const chunk of answer.body ?? []) take(decoder.decode(chunk, { stream: true }))
  }
  catch {
    // It was closed.
  }
}
