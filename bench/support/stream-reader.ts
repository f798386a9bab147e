// A process of its own: a client of `/ws/events` that takes everything and only counts frames, at little cost.
// Tells `{ ready }` once connected, and `{ telemetry }`, how many telemetry frames have come.
import { openStream } from './stream.ts'

const REPORT_MS = 20
const TELEMETRY = Buffer.from('{"type":"telemetry"')

const [port = ''] = process.argv.slice(2)
let telemetry = 0
openStream(Number(port), () => process.send?.({ ready: true }), (bytes, from, to) => {
  if (bytes.compare(TELEMETRY, 0, TELEMETRY.length, from, Math.min(to, from + TELEMETRY.length)) === 0) telemetry++
})
setInterval(() => process.send?.({ telemetry }), REPORT_MS)
