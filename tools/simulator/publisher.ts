// Owns the connection of the simulator. Promises that nothing waits in memory beyond what is under way: ask `hasRoom`
// before each message. Reconnects for ever after a loss, gives up only when the broker refuses it.
import { randomUUID } from 'node:crypto'
import mqtt from 'mqtt'
import type { MqttClient } from 'mqtt'
import { withLoginOfUrl } from '#shared/mqtt/broker-login'
import type { SimulatedMessage } from './site.ts'

/** QoS 1 messages that the broker has not acknowledged yet. */
const MAX_UNACKNOWLEDGED = 1_000
const RECONNECT_MS = 1_000
const CONNECT_TIMEOUT_MS = 5_000
const END_TIMEOUT_MS = 3_000

export interface PublisherOptions {
  url: string
  qos: 0 | 1
  username?: string
  password?: string
}

export interface PublisherEvents {
  /** Connected, lost, unreachable: one sentence each time it changes. */
  onChange: (sentence: string) => void
  /** The broker refuses the connection (login, access list); it is not asked again. */
  onRefused: (sentence: string) => void
}

export interface Publisher {
  /** Resolves with the first connection, or when `signal` aborts. */
  ready: (signal: AbortSignal) => Promise<void>
  /** Whether one more message can go out now: connected, and neither the socket nor the broker is behind. */
  hasRoom: () => boolean
  /** Sends one message. Ask `hasRoom` first. */
  publish: (message: SimulatedMessage) => void
  stats: () => PublisherStats
  /** Waits for the last acknowledgements, three seconds at most, and closes. What is still missing stays counted. */
  end: () => Promise<PublisherStats>
}

export interface PublisherStats { sent: number, unacknowledged: number }

/** Connects at once. One connection carries all devices. */
export function createPublisher(options: PublisherOptions, events: PublisherEvents): Publisher {
  const { qos } = options
  const client = connect(options)
  const connected = new Promise<void>(resolve => client.once('connect', () => resolve()))
  let sent = 0
  let unacknowledged = 0
  let onIdle = () => {}
  report(client, options.url, events)

  const stats = () => ({ sent, unacknowledged })
  function acknowledged(error?: unknown) {
    if (error) return
    if (--unacknowledged === 0) onIdle()
  }

  return {
    ready: signal => Promise.race([connected, aborted(signal)]),
    stats,
    hasRoom: () => client.connected && !client.stream.writableNeedDrain && unacknowledged < MAX_UNACKNOWLEDGED,
    publish({ topic, payload, retain }) {
      sent++
      if (qos === 0) {
        client.publish(topic, payload, { qos, retain })
        return
      }
      unacknowledged++
      client.publish(topic, payload, { qos, retain }, acknowledged)
    },
    async end() {
      const limit = AbortSignal.timeout(END_TIMEOUT_MS)
      if (client.connected && unacknowledged > 0) {
        const idle = new Promise<void>((resolve) => { onIdle = resolve })
        await Promise.race([idle, aborted(limit)])
      }
      const final = stats()
      const force = !client.connected || unacknowledged > 0
      await Promise.race([client.endAsync(force), aborted(limit)])
      // A broker that no longer reads would keep the socket open.
      client.stream.destroy()
      return final
    },
  }
}

function connect(options: PublisherOptions): MqttClient {
  const { url, username, password } = withLoginOfUrl(options)
  return mqtt.connect(url, {
    // What every broker speaks, the application's own included.
    protocolVersion: 4,
    clientId: `simulator-${randomUUID()}`,
    clean: true,
    queueQoSZero: false,
    reconnectPeriod: RECONNECT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  })
}

function report(client: MqttClient, url: string, { onChange, onRefused }: PublisherEvents) {
  const address = withoutCredentials(url)
  let state: 'new' | 'up' | 'lost' | 'unreachable' | 'refused' = 'new'
  let reason = 'the connection was closed'

  client.on('connect', () => {
    onChange(state === 'lost' ? `Connected to ${address} again.` : `Connected to ${address}.`)
    state = 'up'
  })
  client.on('error', (error) => {
    const code = 'code' in error ? error.code : undefined
    if (typeof code === 'number') {
      state = 'refused'
      onRefused(`${address} refused the connection: ${error.message.replace(/^Connection refused: /, '')}.`)
    }
    reason = String(code ?? error.message)
  })
  client.on('close', () => {
    if (client.disconnecting) return
    if (state === 'up') {
      state = 'lost'
      onChange(`Lost ${address}; trying again every second. Nothing is sent meanwhile.`)
    }
    else if (state === 'new') {
      state = 'unreachable'
      onChange(`Cannot reach ${address} (${reason}); trying again every second.`)
    }
  })
}

function withoutCredentials(url: string): string {
  const { protocol, host } = new URL(url)
  return `${protocol}//${host}`
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}
