// Owns the open event streams. Promises every client the snapshot first and then every event in order, encoded once for
// all; a client that cannot keep up, or fails, is closed and harms nobody. Never asks what an event means.
import type { StreamEvent } from '#shared/schemas/events'

/** One open stream; a WebSocket peer fits. */
export interface StreamClient {
  id: string
  send: (frame: string) => void
  close: (code: number, reason: string) => void
  /** Holds frames back until `uncork`, so that those of one event-loop turn leave in one write. */
  cork: () => void
  uncork: () => void
  /** Bytes accepted by `send` that have not left yet. */
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
  // Clients whose frames are held back until this event-loop turn ends.
  let corked: StreamClient[] | undefined

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

  function send(client: StreamClient, frame: string) {
    try {
      client.send(frame)
    }
    catch {
      return drop(client, CLOSE_TRY_LATER, 'sending failed')
    }
    const buffered = client.bufferedBytes()
    if (buffered <= maxBufferedBytes) greeted.delete(client.id)
    else if (buffered > (greeted.get(client.id) ?? maxBufferedBytes)) drop(client, CLOSE_TRY_LATER, 'too slow: reconnect for a fresh snapshot')
  }

  function broadcast(frame: string) {
    if (!corked) {
      corked = [...clients.values()]
      for (const client of corked) client.cork()
      setImmediate(endTurn)
    }
    for (const client of clients.values()) send(client, frame)
  }

  function endTurn() {
    const held = corked ?? []
    corked = undefined
    for (const client of held) client.uncork()
  }

  function greet(client: StreamClient) {
    const frames = greeting().map(event => JSON.stringify(event))
    greeted.set(client.id, maxBufferedBytes + frames.reduce((bytes, frame) => bytes + Buffer.byteLength(frame), 0))
    for (const frame of frames) send(client, frame)
  }

  return {
    add(client) {
      if (clients.size >= maxClients) return drop(client, CLOSE_TRY_LATER, 'too many clients')
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
      for (const client of clients.values()) drop(client, CLOSE_RESTART, 'the server is restarting')
    },
  }
}
