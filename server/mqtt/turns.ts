import type { IPublishPacket, MqttClient } from 'mqtt'

export interface TurnEvents {
  /** One message; what it leaves to be stored is stored by `onTurnEnd`. */
  onMessage: (packet: IPublishPacket) => void
  /** All messages of this event-loop turn have been handled: put them on disk. @throws when that fails. */
  onTurnEnd: () => void
}

/** A backlog arrives thousands at once: a turn is ended after this much, so that everything else has its turn, too. */
const TURN_MESSAGES = 500
const TURN_MS = 20

/**
 * Acknowledges messages by the event-loop turn: the stream is corked at the first message, the turn is committed at its end,
 * and only then do all its acknowledgements leave, in one write. If the commit fails none of them leaves: the connection
 * is cut and the broker delivers again.
 */
export function acknowledgeByTurn(client: MqttClient, { onMessage, onTurnEnd }: TurnEvents, onFailure: () => void) {
  let corked: MqttClient['stream'] | undefined
  let failed = false
  let messages = 0
  let began = 0
  let acknowledges = false

  function endTurn() {
    const stream = corked
    corked = undefined
    if (failed || !stream) return
    try {
      onTurnEnd()
    }
    catch {
      return fail()
    }
    stream.uncork()
    // Acknowledgements keep the connection alive; an answer to a ping would wait behind the whole backlog.
    if (acknowledges) client.reschedulePing(true)
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
      messages = 0
      began = performance.now()
      acknowledges = false
      setImmediate(endTurn)
    }
    try {
      onMessage(packet)
    }
    catch {
      return fail()
    }
    acknowledges ||= packet.qos > 0
    if (++messages < TURN_MESSAGES && performance.now() - began < TURN_MS) return done()
    endTurn()
    setImmediate(done)
  }
}
