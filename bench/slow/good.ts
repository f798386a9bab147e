// A process of its own: clients of `/ws/events` that read everything and note how long each message took from its publisher.
// Tells `{ ready }` once all are connected; told `{ take: true }` it tells what they have noted since the last time, as `{ latencies }`.
import { summary } from '../latency/latencies.ts'
import { nowUs, readStamp, STAMP, STAMP_DIGITS } from '../support/stamp.ts'
import { openStream } from '../support/stream.ts'

const BEFORE = Buffer.from(`"${STAMP}":`)
/** The snapshot, too, holds stamped messages. */
const LARGEST_MESSAGE = 1_000

const [port = '', clients = ''] = process.argv.slice(2)
let noted: number[] = []
let open = 0

function onOpen() {
  if (++open === Number(clients)) process.send?.({ ready: true })
}

for (let i = 0; i < Number(clients); i++) {
  openStream(Number(port), onOpen, (bytes, from, to) => {
    const at = to - from > LARGEST_MESSAGE ? -1 : bytes.subarray(from, to).indexOf(BEFORE)
    if (at < 0) return
    const stamp = from + at + BEFORE.length
    noted.push(nowUs() - readStamp(bytes.toString('latin1', stamp, stamp + STAMP_DIGITS)))
  })
}

process.on('message', () => {
  process.send?.({ latencies: summary(noted) })
  noted = []
})
