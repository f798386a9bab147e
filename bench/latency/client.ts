// A process of its own: a client of `/ws/events` that notes how long each message took from its publisher.
// Tells `{ ready }` once connected, and `{ seen }`, how many messages have come in all; told `{ take: true }` it tells what it has noted
// since the last time, as `{ latencies }`.
import { nowUs, readStamp, STAMP, STAMP_DIGITS } from '../support/stamp.ts'
import { openStream } from '../support/stream.ts'
import { summary } from './latencies.ts'

const BEFORE = Buffer.from(`"${STAMP}":`)
/** The snapshot, too, holds stamped messages. */
const LARGEST_MESSAGE = 1_000
const REPORT_MS = 50

const [port = '', token = ''] = process.argv.slice(2)
let noted: number[] = []
let seen = 0
openStream(Number(port), () => process.send?.({ ready: true }), (bytes, from, to) => {
  const at = to - from > LARGEST_MESSAGE ? -1 : bytes.subarray(from, to).indexOf(BEFORE)
  if (at < 0) return
  seen++
  const stamp = from + at + BEFORE.length
  noted.push(nowUs() - readStamp(bytes.toString('latin1', stamp, stamp + STAMP_DIGITS)))
}, undefined, token)
process.on('message', () => {
  process.send?.({ latencies: summary(noted) })
  noted = []
})
setInterval(() => process.send?.({ seen }), REPORT_MS)
