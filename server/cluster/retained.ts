// A shared subscription brings no retained messages (MQTT 5, section 4.8.2): a new leader asks for them on a
// connection of its own, which stays for some seconds. So a device that sent before the first start is known.
import mqtt from 'mqtt'
import { commonOptions } from '../mqtt/client-options'
import type { Access } from '../mqtt/client-options'
import type { Delivered } from '../mqtt/publish-packets'

/** They come right after the answer to the subscription; a slow network gets some seconds. */
const STAY_MS = 5_000

export interface RetainedOptions extends Access {
  url: string
  filters: readonly string[]
  onMessage: (message: Delivered) => void
  onTurnEnd: () => void
}

/** Resolves when it is over, with or without success: without an answer the next leader asks again. */
export function takeRetained({ url, filters, onMessage, onTurnEnd, ...access }: RetainedOptions): Promise<void> {
  const client = mqtt.connect(url, { ...commonOptions(access, 5), clean: true, properties: { sessionExpiryInterval: 0 } })
  return new Promise((resolve) => {
    const timer = setTimeout(end, STAY_MS)
    function end() {
      clearTimeout(timer)
      client.removeAllListeners().on('error', () => {})
      client.end(true)
      resolve()
    }
    client.once('connect', () => client.subscribe([...filters], { qos: 0 }))
    client.on('message', (topic, payload, { retain }) => {
      if (!retain) return
      try {
        onMessage({ topic, payload, replayed: true, redelivered: false, packetId: undefined })
        onTurnEnd()
      }
      catch {
        end()
      }
    })
    client.once('error', end)
    client.once('close', end)
  })
}
