// A process of its own: many clients of an event stream. Each checks that no event comes twice or out of order, unless it is
// told that several replicas send them; together with the number of events that says whether it got all. Ends with a sentence when one does not.
// Tells `{ ready }` once all are connected, and `{ least, most, events, bytes }`: of the client with the fewest events, of the one with
// the most, of all. Told `{ take: true }` it tells how long events took from their publisher since the last time, as `{ latencies }`.
import { createHistogram } from '../latency/histogram.ts'
import { readStampAt, STAMP } from '../support/stamp.ts'
import { openStream } from '../support/stream.ts'

const BEFORE = Buffer.from(`"${STAMP}":`)
const BATCH = Buffer.from('{"type":"batch"')
const REPORT_MS = 20
/** So many connect at once: the others would wait in the listener's queue, or in front of it. */
const CONNECTING = 50

const [port = '', path = '', number = '', bucketUs, isOrdered = 'true'] = process.argv.slice(2)
const tallies = Array.from({ length: Number(number) }, () => ({ events: 0, stamp: 0 }))
const histogram = createHistogram(bucketUs === undefined ? undefined : Number(bucketUs))
let bytesOfAll = 0
let begun = 0
let open = 0

function openNext() {
  const number = begun++
  const tally = tallies[number]
  // A path may name a device, another one for each client.
  if (tally) openStream(Number(port), onOpen, (bytes, from, to) => read(tally, bytes, from, to), path.replace('{n}', String(number).padStart(4, '0')))
}

function onOpen() {
  openNext()
  if (++open === tallies.length) process.send?.({ ready: true })
}

function read(tally: typeof tallies[number], bytes: Buffer, from: number, to: number) {
  const several = bytes.compare(BATCH, 0, BATCH.length, from, Math.min(to, from + BATCH.length)) === 0
  const now = histogram.now()
  const before = tally.events
  for (let at = bytes.indexOf(BEFORE, from); at >= 0 && at < to; at = several ? bytes.indexOf(BEFORE, at) : -1) {
    at += BEFORE.length
    const stamp = readStampAt(bytes, at)
    if (stamp <= tally.stamp && isOrdered === 'true') fail(`An event sent at ${stamp} came after one sent at ${tally.stamp}.`)
    tally.stamp = stamp
    tally.events++
    histogram.add(now - stamp)
  }
  if (tally.events > before) bytesOfAll += to - from
}

function fail(sentence: string) {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}

function report() {
  let least = Infinity
  let most = 0
  let events = 0
  for (const tally of tallies) {
    least = Math.min(least, tally.events)
    most = Math.max(most, tally.events)
    events += tally.events
  }
  process.send?.({ least, most, events, bytes: bytesOfAll })
}

for (let i = 0; i < CONNECTING; i++) openNext()
process.on('message', () => process.send?.({ latencies: histogram.take() }))
setInterval(report, REPORT_MS)
