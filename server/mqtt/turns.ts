import type { MqttClient } from 'mqtt'
import type { Delivered } from './publish-packets'

export interface TurnEvents {
  /** One message; `onTurnEnd` stores what it leaves. @throws when it cannot be stored. */
  onMessage: (message: Delivered) => void
  /**
   * All messages of this event-loop turn have been handled; `done`, if given, learns whether they are committed.
   * @throws when that fails.
   */
  onTurnEnd: (done?: (committed: boolean) => void) => void
}

/** A backlog arrives thousands at once: a turn ends after this many, so that other work runs, too. */
const TURN_MESSAGES = 500
const TURN_MS = 20

const PUBACK = 0x40
const PUBACK_BYTES = 4

/**
 * Acknowledges messages by the event-loop turn: the messages of a turn are committed at its end, and only then all
 * their acknowledgements are sent, in one write. If the commit fails none is sent: the connection is cut and the
 * broker delivers again.
 */
export function createTurns(client: MqttClient, { onMessage, onTurnEnd }: TurnEvents, onFailure: () => void) {
  const { stream } = client
  let open = false
  let failed = false
  let messages = 0
  let began = 0
  let unacknowledged: number[] = []

  function endTurn() {
    if (failed || !open) return
    const packetIds = unacknowledged
    unacknowledged = []
    open = false
    try {
      onTurnEnd(packetIds.length === 0 ? undefined : committed => committed ? acknowledge(packetIds) : fail())
    }
    catch {
      fail()
    }
  }

  function acknowledge(packetIds: readonly number[]) {
    if (failed || !stream.writable) return
    stream.write(pubacks(packetIds))
    // Acknowledgements keep the connection alive; an answer to a ping would wait behind the whole backlog.
    client.reschedulePing(true)
  }

  function fail() {
    if (failed) return
    failed = true
    onFailure()
  }

  return {
    /** Takes a message of this turn; false: no more of them now. */
    take(message: Delivered): boolean {
      if (failed) return false
      if (!open) {
        open = true
        messages = 0
        began = performance.now()
        setImmediate(endTurn)
      }
      try {
        onMessage(message)
      }
      catch {
        fail()
        return false
      }
      if (message.packetId !== undefined) unacknowledged.push(message.packetId)
      if (++messages < TURN_MESSAGES && performance.now() - began < TURN_MS) return true
      endTurn()
      return false
    },
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
