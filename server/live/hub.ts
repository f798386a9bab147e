// Owns the open event streams. Promises every client the snapshot first and then every event in order, encoded once for
// all; a client that cannot keep up, or fails, is closed and harms nobody. Never asks what an event means.
import type { StreamEvent } from '#shared/schemas/events'
import { toFrames } from './frames'

/** One open stream; a WebSocket peer fits. */
export interface StreamClient {
  id: string
  /** Writes whole WebSocket frames. */
  write: (frames: Buffer) => void
  close: (code: number, reason: string) => void
  /** Bytes accepted by `write` that have not left yet. */
  bufferedBytes: () => number
}

export interface HubOptions {
  maxClients: number
  maxBufferedBytes: number
  /** What a new client is told first. */
  greeting: () => StreamEvent[]
}

export interface Hub {
  add: (client: StreamClient) => void
  remove: (clientId: string) => void
  publish: (event: StreamEvent) => void
  /** Publishes an event whose data is encoded already. */
  publishText: (type: StreamEvent['type'], data: string) => void
  size: () => number
  /** Ends every stream: the server is going away and clients should come back. */
  stop: () => void
}

export const CLOSE_RESTART = 1012
export const CLOSE_TRY_LATER = 1013

export function createHub({ maxClients, maxBufferedBytes, greeting }: HubOptions): Hub {
  const clients = new Map<string, StreamClient>()
  // Clients still taking in a greeting larger than the limit, with what may wait for them meanwhile.
  const greeted = new Map<string, number>()
  // The events of this event-loop turn: they leave together, in one write per client.
  let turn: string[] = []

  function forget(clientId: string) {
    clients.delete(clientId)
    greeted.delete(clientId)
  }

  function drop(client: StreamClient, code: number, reason: string) {
    forget(client.id)
    try {
      client.close(code, reason)
    }
    catch {
      // It is gone already.
    }
  }

  function write(client: StreamClient, frames: Buffer) {
    try {
      client.write(frames)
    }
    catch {
      return drop(client, CLOSE_TRY_LATER, 'sending failed')
    }
    const buffered = client.bufferedBytes()
    if (buffered <= maxBufferedBytes) greeted.delete(client.id)
    else if (buffered > (greeted.get(client.id) ?? maxBufferedBytes)) drop(client, CLOSE_TRY_LATER, 'too slow: reconnect for a fresh snapshot')
  }

  function broadcast(text: string) {
    if (turn.length === 0) setImmediate(endTurn)
    turn.push(text)
  }

  function endTurn() {
    if (turn.length === 0) return
    const frames = toFrames(turn)
    turn = []
    for (const client of clients.values()) write(client, frames)
  }

  function greet(client: StreamClient) {
    const frames = toFrames(greeting().map(event => JSON.stringify(event)))
    greeted.set(client.id, maxBufferedBytes + frames.length)
    write(client, frames)
  }

  return {
    add(client) {
      if (clients.size >= maxClients) return drop(client, CLOSE_TRY_LATER, 'too many clients')
      // The snapshot holds what the turn has brought so far.
      endTurn()
      clients.set(client.id, client)
      greet(client)
    },
    remove: forget,
    publish(event) {
      if (clients.size > 0) broadcast(JSON.stringify(event))
    },
    publishText(type, data) {
      if (clients.size > 0) broadcast(`{"type":"${type}","data":${data}}`)
    },
    size: () => clients.size,
    stop() {
      endTurn()
      for (const client of clients.values()) drop(client, CLOSE_RESTART, 'the server is restarting')
    },
  }
}
