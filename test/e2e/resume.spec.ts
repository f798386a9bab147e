import { DeviceStatesSchema } from '#shared/schemas/device'
import type { DeviceState } from '#shared/schemas/device'
import type { StreamEvent } from '#shared/schemas/events'
import type { Telemetry } from '#shared/schemas/telemetry'
import { withPresence, withTelemetry } from '#shared/device/device-state'
import { expect, it, onTestFinished } from 'vitest'
import { startApp } from './support/app'
import { connectDevice } from './support/broker'
import { until } from './support/until'

const CLIENTS = 50
const DEVICES = 20
const SECONDS = Number(process.env.LEITSTAND_TEST_RESUME_SECONDS ?? 8)
const PER_SECOND = Number(process.env.LEITSTAND_TEST_RESUME_RATE ?? 500)
const LONGEST_CONNECTION_MS = 2_000

/** A viewer whose connection keeps breaking. It applies what it is told, and notes every gap that it was not told of. */
function startViewer(url: string, query: string) {
  const view = new Map<string, DeviceState>()
  const gaps: string[] = []
  let lastId = ''
  let seen = 0
  let merged = 0
  let stopped = false
  let socket: WebSocket | undefined
  let timer: NodeJS.Timeout | undefined

  function take(telemetry: Telemetry) {
    const { deviceId, metrics } = telemetry
    const before = view.get(deviceId)?.values.n?.value
    if (before !== undefined && metrics.n !== Number(before) + 1) gaps.push(`${deviceId}: ${String(metrics.n)} after ${String(before)}`)
    view.set(deviceId, withTelemetry(view.get(deviceId), telemetry))
    seen++
  }

  // Frames are the server's own, and a hundred thousand of them: checked by other tests.
  function receive(event: StreamEvent) {
    if ('id' in event && event.id) lastId = event.id
    if (event.type === 'telemetry') take(event.data)
    else if (event.type === 'batch') event.data.forEach(take)
    else if (event.type === 'presence') {
      const device = view.get(event.data.deviceId)
      if (device) view.set(device.deviceId, withPresence(device, event.data))
    }
    else if (event.type === 'coalesced') merged += event.data.events
    else if (event.type === 'snapshot' || event.type === 'states') {
      for (const device of event.data) view.set(device.deviceId, device)
    }
  }

  function connect() {
    socket = new WebSocket(`${url.replace('http', 'ws')}/ws/events?after=${lastId}${query}`)
    socket.addEventListener('message', ({ data }) => receive(JSON.parse(String(data))))
    socket.addEventListener('close', () => {
      clearTimeout(timer)
      if (!stopped) connect()
    })
    timer = setTimeout(() => socket?.close(), Math.random() * LONGEST_CONNECTION_MS)
  }

  connect()
  return {
    view, gaps,
    counts: () => ({ seen, merged }),
    stayConnected: () => clearTimeout(timer),
    stop() {
      stopped = true
      clearTimeout(timer)
      socket?.close()
    },
  }
}

it('brings viewers whose connections break all the time to the same view, without a gap that they are not told of', async () => {
  const app = await startApp({ NUXT_HISTORY: 'off' })
  const { broker } = await app.untilBroker('connected')
  const device = await connectDevice(broker.url, { protocolVersion: 4 })
  const viewers = Array.from({ length: CLIENTS }, (_, i) => startViewer(app.url, i % 2 === 0 ? '' : '&batch=50'))
  onTestFinished(() => viewers.forEach(viewer => viewer.stop()))

  let sent = 0
  const end = Date.now() + SECONDS * 1_000
  for (const begin = Date.now(); Date.now() < end;) {
    const due = Math.floor((Date.now() - begin) / 1_000 * PER_SECOND) - sent
    await Promise.all(Array.from({ length: Math.max(1, due) }, () => {
      const n = sent++
      return device.publishAsync(`sensors/gate-${n % DEVICES}/telemetry`, `{"metrics":{"n":${Math.floor(n / DEVICES)}}}`, { qos: 1 })
    }))
  }
  for (const viewer of viewers) viewer.stayConnected()
  const server = new Map(DeviceStatesSchema.parse(await app.get('/api/sensors')).map(state => [state.deviceId, state]))
  expect(server.size).toBe(DEVICES)
  await until(() => viewers.every(({ view }) => [...server].every(([deviceId, { lastTelemetry }]) => view.get(deviceId)?.lastTelemetry.metrics.n === lastTelemetry.metrics.n)) || undefined, 'every viewer to have the last values')
  for (const { view, gaps, counts } of viewers) {
    expect(gaps).toEqual([])
    expect(counts()).toMatchObject({ merged: 0 })
    expect(counts().seen).toBeGreaterThan(sent / 2)
    expect(view).toEqual(server)
  }
}, (SECONDS + 60) * 1_000)
