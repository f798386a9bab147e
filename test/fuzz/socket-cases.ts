import * as fc from 'fast-check'
import { StreamRequestSchema } from '#shared/schemas/events'
import { z } from 'zod'
import { toBase64 } from './cases'
import type { CaseOf } from './cases'
import { fitting, JsonSchemaSchema, mutated, NAMES, oddJson, oddText } from './values'
import type { Route } from './http-cases'

const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 }
const LENGTH_16 = 126
const LENGTH_64 = 127

interface Frame { first: number, isMasked: boolean, payload: Buffer, claimed: number }

/** A frame as RFC 6455 draws it, whatever it says of itself. */
function bytesOf({ first, isMasked, payload, claimed }: Frame): Buffer {
  const short = claimed < LENGTH_16 ? claimed : claimed < 65_536 ? LENGTH_16 : LENGTH_64
  const length = short === LENGTH_16 ? Buffer.from([claimed >> 8, claimed & 0xFF]) : Buffer.alloc(short === LENGTH_64 ? 8 : 0)
  if (short === LENGTH_64) length.writeBigUInt64BE(BigInt(claimed))
  // A mask of nothing leaves the payload as it is.
  return Buffer.concat([Buffer.from([first, short | (isMasked ? 0x80 : 0)]), length, Buffer.alloc(isMasked ? 4 : 0), payload])
}

const text = (opcode: number, isLast: boolean) => (payload: Buffer): Frame => ({ first: opcode | (isLast ? 0x80 : 0), isMasked: true, payload, claimed: payload.length })

const request = () => {
  const right = fitting(JsonSchemaSchema.parse(z.toJSONSchema(StreamRequestSchema, { io: 'input' })), {})
  return fc.oneof(
    { weight: 5, arbitrary: right.map(value => JSON.stringify(value) ?? '') },
    { weight: 3, arbitrary: mutated(right).map(value => JSON.stringify(value) ?? '') },
    { weight: 2, arbitrary: oddJson() },
    { weight: 1, arbitrary: oddText() },
    { weight: 1, arbitrary: fc.integer({ min: 1_000, max: 80_000 }).map(length => JSON.stringify({ type: 'subscribe', devices: ['x'.repeat(length)] })) },
    { weight: 1, arbitrary: fc.nat(12_000).map(length => JSON.stringify({ type: 'subscribe', devices: Array.from({ length }, (_, n) => n.toString(36)) })) },
  ).map(said => Buffer.from(said))
}

/** One message in one frame, in several, or as bytes. */
const message = (): fc.Arbitrary<Frame[]> => fc.oneof(
  { weight: 6, arbitrary: request().map(said => [text(OPCODES.text, true)(said)]) },
  { weight: 2, arbitrary: fc.tuple(request(), fc.integer({ min: 1, max: 20 })).map(([said, parts]) => inParts(said, parts)) },
  { weight: 1, arbitrary: request().map(said => [text(OPCODES.binary, true)(said)]) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 125 }).map(bytes => [text(OPCODES.ping, true)(Buffer.from(bytes))]) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 125 }).map(bytes => [text(OPCODES.close, true)(Buffer.from(bytes))]) },
  { weight: 2, arbitrary: broken().map(frame => [frame]) },
)

function inParts(said: Buffer, parts: number): Frame[] {
  const length = Math.ceil(Math.max(1, said.length) / parts)
  return Array.from({ length: parts }, (_, n) => text(n === 0 ? OPCODES.text : OPCODES.continuation, n === parts - 1)(said.subarray(n * length, (n + 1) * length)))
}

/** Frames that break the rules: reserved bits and opcodes, no mask, a length that is not so. */
const broken = (): fc.Arbitrary<Frame> => fc.record({
  first: fc.nat(255),
  isMasked: fc.boolean(),
  payload: fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
  claimed: fc.oneof(fc.nat(200), fc.constantFrom(125, 126, 65_535, 65_536, 70_000, 2 ** 31, Number.MAX_SAFE_INTEGER)),
})

/** Clients of the event stream that ask for odd things, in odd ways. */
export function socketCases({ query }: Pick<Route, 'query'>): fc.Arbitrary<CaseOf<'socket'>> {
  const names = query.map(([name]) => name)
  const value = fc.oneof(oddText(), fc.constantFrom(...NAMES, 'every', 'latest', '10', '600', '0', new Date().toISOString()))
  const pair = fc.tuple(fc.constantFrom(...names, 'x'), value).map(([name, said]) => `${name}=${encodeURIComponent(said.toWellFormed())}`)
  return fc.record({
    kind: fc.constant('socket'),
    as: fc.constantFrom('admin', 'admin', 'admin', 'nobody'),
    query: fc.oneof(fc.constant(''), fc.array(pair, { maxLength: 3 }).map(pairs => `?${pairs.join('&')}`)),
    frames: fc.array(message(), { maxLength: 8 }).map(messages => messages.flat().map(frame => toBase64(bytesOf(frame)))),
  })
}

const LINES = ['GET / HTTP/1.1', 'GET /api/sensors HTTP/1.1', 'POST /api/session HTTP/1.1', 'GET http://evil.example/ HTTP/1.1', 'CONNECT evil.example:443 HTTP/1.1', 'GET /../../etc/passwd HTTP/1.1', 'GET  / HTTP/1.1',
  'GET / HTTP/9.9', 'PRI * HTTP/2.0', 'OPTIONS * HTTP/1.1', 'GET /ws/events HTTP/1.1', 'M-SEARCH * HTTP/1.1', '\u0016\u0003\u0001', `GET /${'x'.repeat(20_000)} HTTP/1.1`]
const HEADER_LINES = ['Host: localhost', 'Host: a\r\nHost: b', 'Content-Length: 5', 'Content-Length: -1', 'Content-Length: 5, 6', 'Transfer-Encoding: chunked', 'Transfer-Encoding: x, chunked', 'Upgrade: websocket', 'Connection: Upgrade',
  'Connection: close', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Version: 99', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', 'Sec-WebSocket-Key: x', 'Sec-WebSocket-Extensions: permessage-deflate; x="', 'Expect: 100-continue',
  'Expect: x', ' folded', ': no name', 'no colon', 'X: \u0000', `X: ${'x'.repeat(20_000)}`, 'Upgrade: h2c']
const BODIES = ['', 'hello', '5\r\nhello\r\n0\r\n\r\n', 'ffffffffffffffff\r\n', '-1\r\n\r\n', '5;x=\u0001\r\nhello\r\n', '0\r\nX: y\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n']

/** Bytes that a server of HTTP has to read and will hardly like. */
export const bytesCases = (): fc.Arbitrary<CaseOf<'bytes'>> => {
  const request = fc.tuple(fc.constantFrom(...LINES), fc.array(fc.constantFrom(...HEADER_LINES), { maxLength: 8 }), fc.constantFrom(...BODIES))
    .map(([line, lines, body]) => Buffer.from([line, ...lines, '', body].join('\r\n'), 'latin1'))
  return fc.oneof({ weight: 4, arbitrary: request }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 500 }) }).map(bytes => ({ kind: 'bytes', bytes: toBase64(bytes) }))
}
