import { STAMP_METRIC } from './stamp.ts'

/** The least that shows stamps: a socket, and texts set once per frame. `query` is that of the stream. */
export function barePage(devices: readonly string[], query: string): string {
  return `<!doctype html><title>bare</title>
<body>${devices.map(device => `<div data-testid="device" id="${device}">-</div>`).join('')}<script>
const rows = new Map([...document.querySelectorAll('div')].map(row => [row.id, row]))
const waiting = new Map()
let frame
const socket = new WebSocket('ws://' + location.host + '/ws/events${query}')
socket.onmessage = ({ data }) => {
  const event = JSON.parse(data)
  if (event.type === 'telemetry') take(event.data)
  else if (event.type === 'batch') event.data.forEach(take)
}
function take({ deviceId, metrics }) {
  if (!rows.has(deviceId)) return
  waiting.set(deviceId, metrics.${STAMP_METRIC})
  frame ??= requestAnimationFrame(draw)
}
function draw() {
  frame = undefined
  for (const [deviceId, text] of waiting) rows.get(deviceId).textContent = text
  waiting.clear()
}
</script>`
}
