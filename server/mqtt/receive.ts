import type { MqttClient } from 'mqtt'
import { boundsOf, readPublish } from './publish-packets'
import type { Delivered, PacketBounds } from './publish-packets'

export interface Receiving {
  protocolVersion: 4 | 5
  wantsTraceparent: boolean
  /** One message; false: no more of them in this event-loop turn. */
  onPublish: (message: Delivered) => boolean
  /** The broker sends data that is no valid MQTT. */
  onMalformed: (error: Error) => void
}

/**
 * Reads messages straight from the connection and leaves all other packets to MQTT.js, whose way of a message (a
 * parser with a list of buffers, an event, a store, a tick each) costs as much as all our own work. If the connection
 * is not built as expected, MQTT.js reads them as usual.
 */
export function receiveDirectly(client: MqttClient, { protocolVersion, wantsTraceparent, onPublish, onMalformed }: Receiving) {
  const { stream } = client
  // The listener of the pipe into MQTT.js.
  const [toClient, ...others] = stream.listeners('data')
  if (!toClient || others.length > 0) return

  // What has not been read yet, and how many bytes must be there before reading makes sense.
  let chunks: Buffer[] = []
  let held = 0
  let needed = 0
  let connected = false
  let waiting = false

  function onData(chunk: Buffer) {
    chunks.push(chunk)
    held += chunk.length
    if (!waiting && held >= needed) readAll()
  }

  function readAll() {
    const bytes = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
    let at = 0
    needed = 0
    try {
      for (let bounds = boundsOf(bytes, at); bounds; bounds = boundsOf(bytes, at)) {
        if (at + bounds.length > bytes.length) {
          needed = bounds.length
          break
        }
        // Messages of a session come right after the answer that says whether it continues; that is read first.
        if (bounds.isPublish && !connected) break
        const from = at
        at += bounds.length
        if (!hand(bytes, from, bounds)) {
          waitForNextTurn()
          break
        }
      }
    }
    catch (error) {
      stream.off('data', onData)
      return onMalformed(error instanceof Error ? error : new Error(String(error)))
    }
    const rest = bytes.subarray(at)
    chunks = rest.length > 0 ? [rest] : []
    held = rest.length
  }

  function hand(bytes: Buffer, at: number, bounds: PacketBounds): boolean {
    if (bounds.isPublish) return onPublish(readPublish(bytes, at, bounds, protocolVersion, wantsTraceparent))
    toClient?.call(stream, bytes.subarray(at, at + bounds.length))
    return true
  }

  function waitForNextTurn() {
    waiting = true
    stream.pause()
    setImmediate(() => {
      waiting = false
      if (held > 0) readAll()
      if (!waiting) stream.resume()
    })
  }

  client.once('connect', () => setImmediate(() => {
    connected = true
    if (!waiting && held > 0) readAll()
  }))
  stream.removeAllListeners('data')
  stream.on('data', onData)
}
