// `npm run demo`: the built application with its own broker, and a small simulated site that publishes to it.
import { fileURLToPath } from 'node:url'
import { systemClock } from './simulator/clock.ts'
import { build, needsBuild } from './simulator/demo/build.ts'
import { startChild } from './simulator/demo/child.ts'
import { nextFreePort } from './simulator/demo/ports.ts'
import { untilHealthy } from './simulator/demo/server.ts'
import { createDemoDevices } from './simulator/demo/site.ts'
import { createPacer } from './simulator/pacer.ts'
import { createPublisher } from './simulator/publisher.ts'
import { runSimulation } from './simulator/run.ts'
import { abortOnSignals } from './simulator/signals.ts'
import { takingTurns } from './simulator/site.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DEFAULT_PORT = 3000

const say = (sentence: string) => console.info(sentence)
const stop = abortOnSignals()

try {
  await buildIfNeeded()
  if (!stop.signal.aborted) await runDemo()
}
catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function buildIfNeeded() {
  if (!await needsBuild(ROOT)) return
  say('Building once, about half a minute …')
  await build(ROOT, stop.signal)
}

async function runDemo() {
  const port = await choosePort()
  const server = startChild('.output/server/index.mjs', [], {
    cwd: ROOT,
    env: { NODE_ENV: 'production', ...process.env, NITRO_PORT: String(port) },
    onLine: line => say(`server | ${line}`),
  })
  const serverEnded = server.ended.then(({ how }) => {
    if (!stop.signal.aborted) fail(`The server has ended by itself (${how}); the demo ends as well.`)
  })
  try {
    const origin = `http://${publicHost()}:${port}`
    const health = await untilHealthy(origin, stop.signal, reason => say(`Waiting for the server: ${reason}`))
    if (health) {
      say(welcome(origin, health.broker.url))
      await simulate(process.env.NUXT_MQTT_URL || health.broker.url)
    }
  }
  finally {
    stop.abort()
    await server.stop()
    await serverEnded
  }
  say('The demo has ended.')
}

/** Ends the demo with code 1. */
function fail(sentence: string) {
  console.error(sentence)
  process.exitCode = 1
  stop.abort()
}

/** The name to open: `localhost`, unless the server was told to listen on one other address only. */
function publicHost(): string {
  const host = process.env.NITRO_HOST || process.env.HOST || 'localhost'
  if (/^(?:0\.0\.0\.0|127\.0\.0\.1|::1?)$/.test(host)) return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

async function choosePort(): Promise<number> {
  const wanted = Number(process.env.NITRO_PORT || process.env.PORT || DEFAULT_PORT)
  const port = await nextFreePort(wanted)
  if (port !== wanted) say(`Port ${wanted} is taken; using ${port}.`)
  return port
}

/** Publishes one message per device and second until the demo ends. */
async function simulate(url: string) {
  const { NUXT_MQTT_USERNAME: username, NUXT_MQTT_PASSWORD: password } = process.env
  const publisher = createPublisher({ url, qos: 1, username, password }, {
    // Ctrl+C reaches the server as well, so its broker may be gone before we are.
    onChange: (sentence) => { if (!stop.signal.aborted) say(`simulated site | ${sentence}`) },
    onRefused: fail,
  })
  await publisher.ready(stop.signal)
  const devices = createDemoDevices(systemClock.wallMs())
  const pacer = createPacer(devices.length, systemClock.nowMs())
  await runSimulation({ site: takingTurns(devices), publisher, pacer, clock: systemClock, signal: stop.signal })
  await publisher.end()
}

function welcome(origin: string, brokerUrl: string): string {
  return `
Leitstand is running with a small simulated site.

  Open    ${origin}
  Broker  ${brokerUrl}
  Stop    Ctrl+C

  tor-1 to tor-4      gates whose doors open and close by themselves
  klima-verstummt     falls silent after 20 seconds and is shown so within another three
  klima-falsche-uhr   has a clock that is an hour ahead
  klima-defekt        sends a broken payload now and then: see the rejections
`
}
