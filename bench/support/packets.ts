// Ready-made PUBLISH packets, all of the same length: sending one is a copy and two small writes, so that the generator takes
// little of the processor that it shares with what is measured.
import { NO_STAMP, STAMP } from './stamp.ts'

const NO_TIME = '0000-00-00T00:00:00.000Z'
const PUBLISH = 0x30
const DEVICE_DIGITS = 4

/** MQTT 3.1.1, clean session, no keep-alive. */
export function connectPacket(clientId: string): Buffer {
  const body = [field('MQTT'), Buffer.from([4, 2, 0, 0]), field(clientId)]
  return packet(0x10, Buffer.concat(body))
}

/** `packetId` is written at QoS 1 only. */
export interface PacketFields { index: number, packetId: number, time: string, stamp?: string }

export interface Packets {
  bytes: number
  /** Writes the `index`-th packet to `target` at `offset`. */
  write: (target: Buffer, offset: number, fields: PacketFields) => void
}

export interface PacketsOptions {
  devices: number
  /** Different sets of values per device. */
  variants: number
  qos?: 0 | 1
  /** With a metric that says when the message was sent. */
  stamped?: boolean
}

/** Packets of all devices in turn, then again with their next values. */
export function createPackets({ devices, variants, qos = 1, stamped = false }: PacketsOptions): Packets {
  const digits = Math.max(DEVICE_DIGITS, String(devices - 1).length)
  const packets = Array.from({ length: devices * variants }, (_, i) => publishPacket(String(i % devices).padStart(digits, '0'), i, qos, stamped))
  const bytes = packets[0]?.length ?? 0
  const all = Buffer.concat(packets)
  const idAt = all.indexOf('telemetry') + 'telemetry'.length
  const timeAt = all.indexOf(NO_TIME)
  const stampAt = all.indexOf(NO_STAMP)
  return {
    bytes,
    write(target, offset, { index, packetId, time, stamp }) {
      const from = (index % packets.length) * bytes
      all.copy(target, offset, from, from + bytes)
      if (qos === 1) target.writeUInt16BE(packetId, offset + idAt)
      target.write(time, offset + timeAt, 'latin1')
      if (stamp !== undefined) target.write(stamp, offset + stampAt, 'latin1')
    },
  }
}

function publishPacket(device: string, seed: number, qos: 0 | 1, stamped: boolean): Buffer {
  const topic = field(`sensors/bench-${device}/telemetry`)
  const swing = (period: number) => Math.sin(seed / period)
  const metrics = `"tempC":${(21 + 3 * swing(700)).toFixed(2)},"humidity":${(55 + 9 * swing(900)).toFixed(2)},"powerW":${(500 + 99 * swing(1_100)).toFixed(1)}`
  const stamp = stamped ? `,"${STAMP}":${NO_STAMP}` : ''
  return packet(PUBLISH | qos << 1, Buffer.concat([topic, Buffer.alloc(2 * qos), Buffer.from(`{"ts":"${NO_TIME}","metrics":{${metrics}${stamp}}}`)]))
}

/** A text with its length in front. */
function field(text: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(text.length)
  return Buffer.concat([length, Buffer.from(text)])
}

function packet(type: number, body: Buffer): Buffer {
  const length: number[] = []
  for (let rest = body.length; rest > 0; rest >>= 7) length.push((rest & 127) | (rest > 127 ? 128 : 0))
  return Buffer.concat([Buffer.from([type, ...length]), body])
}
