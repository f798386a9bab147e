import type { IPublishPacket, MqttClient } from 'mqtt'

export interface TurnEvents {
  /** One message; what it leaves to be stored is stored by `onTurnEnd`. */
  onMessage: (packet: IPublishPacket) => void
  /** All messages of this event-loop turn have been handled; `done`, where it matters, wants to know whether they are kept. @throws when that fails. */
  onTurnEnd: (done?: (kept: boolean) => void) => void
}

/** A backlog arrives thousands at once: a turn is ended after this much, so that everything else has its turn, too. */
const TURN_MESSAGES = 500
const TURN_MS = 20

const PUBACK = 0x40
const PUBACK_BYTES = 4
/** MQTT.js takes an error for "do not acknowledge" and goes on with the next packet. */
const NOT_YET = new Error('This message is acknowledged with its turn.')

/**
 * Acknowledges messages by the event-loop turn: what a turn brings is committed at its end, and only when that is kept do all
 * its acknowledgements leave, in one write. If it cannot be kept none of them leaves: the connection is cut and the broker
 * delivers again.
 */
export function acknowledgeByTurn(client: MqttClient, { onMessage, onTurnEnd }: TurnEvents, onFailure: () => void) {
  let stream: MqttClient['stream'] | undefined
  let failed = false
  let messages = 0
  let began = 0
  let unacknowledged: number[] = []

  function endTurn() {
    if (failed || !stream) return
    const packetIds = unacknowledged
    const current = stream
    unacknowledged = []
    stream = undefined
    try {
      onTurnEnd(packetIds.length === 0 ? undefined : kept => kept ? acknowledge(current, packetIds) : fail())
    }
    catch {
      fail()
    }
  }

  function acknowledge(current: MqttClient['stream'], packetIds: readonly number[]) {
    if (failed || !current.writable) return
    current.write(pubacks(packetIds))
    // Acknowledgements keep the connection alive; an answer to a ping would wait behind the whole backlog.
    client.reschedulePing(true)
  }

  function fail() {
    if (failed) return
    failed = true
    onFailure()
  }

  client.handleMessage = (packet, done) => {
    // Without `done` MQTT.js takes nothing further from this connection.
    if (failed) return
    if (!stream) {
      stream = client.stream
      messages = 0
      began = performance.now()
      setImmediate(endTurn)
    }
    try {
      onMessage(packet)
    }
    catch {
      return fail()
    }
    if (packet.qos > 0 && packet.messageId !== undefined) unacknowledged.push(packet.messageId)
    const answer = packet.qos > 0 ? NOT_YET : undefined
    if (++messages < TURN_MESSAGES && performance.now() - began < TURN_MS) return done(answer)
    endTurn()
    setImmediate(done, answer)
  }
}

/** PUBACK packets that say "success": the same bytes in MQTT 3.1.1 and MQTT 5. */
function pubacks(packetIds: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(packetIds.length * PUBACK_BYTES)
  packetIds.forEach((packetId, i) => {
    bytes.writeUInt16BE(PUBACK << 8 | 2, i * PUBACK_BYTES)
    bytes.writeUInt16BE(packetId, i * PUBACK_BYTES + 2)
  })
  return bytes
}
