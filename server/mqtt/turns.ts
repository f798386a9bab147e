import type { IPublishPacket, MqttClient } from 'mqtt'

export interface TurnEvents {
  /** One message; what it leaves to be stored is stored by `onTurnEnd`. */
  onMessage: (packet: IPublishPacket) => void
  /** All messages of this event-loop turn have been handled: put them on disk. @throws when that fails. */
  onTurnEnd: () => void
}

/**
 * Acknowledges messages by the event-loop turn: the stream is corked at the first message, the turn is committed at its end,
 * and only then do all its acknowledgements leave, in one write. If the commit fails none of them leaves: the connection
 * is cut and the broker delivers again.
 */
export function acknowledgeByTurn(client: MqttClient, { onMessage, onTurnEnd }: TurnEvents, onFailure: () => void) {
  let corked: MqttClient['stream'] | undefined
  let failed = false

  function endTurn() {
    const stream = corked
    corked = undefined
    if (failed) return
    try {
      onTurnEnd()
    }
    catch {
      return fail()
    }
    stream?.uncork()
  }

  function fail() {
    failed = true
    onFailure()
  }

  client.handleMessage = (packet, done) => {
    // Without `done` MQTT.js takes nothing further from this connection.
    if (failed) return
    if (!corked) {
      corked = client.stream
      corked.cork()
      setImmediate(endTurn)
    }
    try {
      onMessage(packet)
    }
    catch {
      return fail()
    }
    done()
  }
}
