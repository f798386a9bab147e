import * as fc from 'fast-check'
import { toBase64 } from './cases'
import type { CaseOf } from './cases'
import { aroundNow, mutated, NAMES, oddJson, oddText, oddValue } from './values'

const MOST_PAYLOAD_BYTES = 200_000
/** MQTT 5, 1.5.4: a topic is at most so long. */
const MOST_TOPIC_BYTES = 65_535
/** Mosquitto closes the connection of whoever names more. */
const MOST_LEVELS = 200

const telemetry = () => fc.record({
  deviceId: fc.constantFrom(...NAMES),
  ts: fc.oneof(aroundNow(), oddText()),
  seq: fc.nat(),
  metrics: fc.dictionary(fc.oneof(fc.constantFrom('tempC', 'door', 'humidity'), oddText()), fc.oneof(fc.double({ noNaN: true }), fc.boolean(), oddText(), oddValue()), { maxKeys: 6 }),
}, { requiredKeys: ['metrics'] })
const state = () => fc.record({ status: fc.oneof(fc.constantFrom('open', 'closed'), oddText()), updated_at: fc.oneof(aroundNow(), oddText()) }, { requiredKeys: [] })

/** JSON text in which a few bytes are others, or the end is missing. */
const damaged = (text: fc.Arbitrary<string>) => fc.tuple(text, fc.nat(500), fc.uint8Array({ maxLength: 4 }), fc.boolean()).map(([whole, place, bytes, isCut]) => {
  const buffer = Buffer.from(whole)
  const at = place % (buffer.length + 1)
  return Buffer.concat([buffer.subarray(0, at), bytes, isCut ? Buffer.alloc(0) : buffer.subarray(at + bytes.length)])
})

const payload = (): fc.Arbitrary<Uint8Array> => {
  const valid = fc.oneof(telemetry(), state())
  const texts = fc.oneof(valid.map(value => JSON.stringify(value)), mutated(valid).map(value => JSON.stringify(value) ?? ''), oddJson())
  return fc.oneof(
    { weight: 5, arbitrary: texts.map(text => Buffer.from(text)) },
    { weight: 2, arbitrary: damaged(texts) },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 300 }) },
    { weight: 1, arbitrary: fc.constant(new Uint8Array(0)) },
    { weight: 1, arbitrary: fc.integer({ min: 60_000, max: MOST_PAYLOAD_BYTES }).map(length => Buffer.alloc(length, '7')) },
  )
}

const topic = () => fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.oneof(fc.constantFrom(...NAMES), oddText(), fc.nat(400).map(n => `d-${n}`)), fc.constantFrom('telemetry', 'state')).map(([name, kind]) => `sensors/${name}/${kind}`) },
  { weight: 2, arbitrary: fc.array(oddText(), { minLength: 1, maxLength: 6 }).map(levels => `sensors/${levels.join('/')}`) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 190 }).map(depth => `sensors${'/x'.repeat(depth)}`) },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: MOST_TOPIC_BYTES - 8 }).map(length => `sensors/${'n'.repeat(length)}`) },
  { weight: 1, arbitrary: fc.constantFrom('leitstand/status', '$SYS/broker/uptime', 'other/topic', 'sensors', '/sensors') },
)

/** Whether a broker takes it at all: what it refuses never reaches the application. */
function isTopic(text: string): boolean {
  return text.length > 0 && Buffer.byteLength(text) <= MOST_TOPIC_BYTES && text.isWellFormed() && text.split('/').length < MOST_LEVELS && !/[+#\p{Cc}\p{Cn}]/u.test(text)
}

/** Messages of devices that are broken, or that somebody else has made up. */
export const mqttCases = (): fc.Arbitrary<CaseOf<'mqtt'>> => fc.record({
  kind: fc.constant('mqtt'),
  topic: topic().filter(isTopic),
  payload: payload().map(toBase64),
  qos: fc.constantFrom(0, 1, 2),
  retain: fc.boolean(),
})
