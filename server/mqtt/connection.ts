// Owns the one connection to the broker: session, subscriptions, last will, retries. Promises to retry for ever and to
// describe its state in a sentence. Never looks into a payload.
import mqtt from 'mqtt'
import type { MqttClient } from 'mqtt'
import { writeToStream } from 'mqtt-packet'
import type { BrokerStatus } from '#shared/schemas/health'
import { createBackoff } from './backoff'
import { CLOSED_AT_ONCE, CONNECTION_CLOSED, EXPECTS_TLS, faultOfError, faultOfReasonCode, isBrokers, isTls, mayExpectTls, twinOf } from './faults'
import type { Fault } from './faults'
import type { Delivered } from './publish-packets'
import { receiveDirectly } from './receive'
import { clientIdOf, sessionOptions, statusOptions, statusTopicOf } from './session-options'
import type { ConnectionOptions, Ownership } from './session-options'
import { createSubscriptions } from './subscriptions'
import { speaksTls } from './tls-probe'
import { isListening } from './tcp-probe'
import { createTurns } from './turns'

export type { Delivered } from './publish-packets'

const SUBSCRIBE_AGAIN_MS = 15_000
const STOP_TIMEOUT_MS = 1_000
/** A connection that lasts this long is good. One that ends sooner counts, and this many in a row are a pattern. */
const HELD_MS = 60_000
const DISCONNECTED_TIMES = 2
/** A broker that stops does not listen any more by then; one that has only closed our connection does. */
const LOOK_AFTER_MS = 100
/** How often a failed store is tried again. */
const STORE_AGAIN_MS = 2_000

// Otherwise it creates a Buffer for every 16-bit number in advance: 8 MB, and 50 ms of the start.
writeToStream.cacheNumbers = false

const NOT_YET = new Error('This message is acknowledged with its turn.')

export interface ConnectionEvents {
  /** Called for each message in order. @throws when it cannot be stored: then it is not acknowledged. */
  onMessage: (message: Delivered) => void
  /** The end of an event-loop turn with messages: those of QoS 1 are acknowledged by `done(true)`. @throws when they cannot be stored. */
  onTurnEnd: (done?: (committed: boolean) => void) => void
  /** Whether the broker continues our session; if not, it delivers nothing from an earlier one. */
  onSession: (resumed: boolean) => void
  /**
   * Why messages cannot be stored now, or null. Meanwhile they are only inspected, and wait in the broker's session.
   */
  storeFault: () => string | null
  onStatus: (status: BrokerStatus) => void
}

export interface Connection {
  start: () => void
  stop: () => Promise<void>
  /** Ends the connection; the next one begins with another check of the store. */
  cut: () => void
  /** Connects again, without a last will: the settings of the connection have changed. */
  renew: () => void
  status: () => BrokerStatus
  session: () => Session
}

/** The connections to the broker since the start. */
export interface Session {
  attempts: number
  connects: number
  /** Whether the broker continued the session at the last connect; undefined before the first. */
  resumed: boolean | undefined
}

export function createConnection(options: ConnectionOptions, events: ConnectionEvents): Connection {
  const retry = createBackoff()
  const subscriptions = createSubscriptions(options)
  let client: MqttClient | undefined
  let subscribeTimer: NodeJS.Timeout | undefined
  let storeTimer: NodeJS.Timeout | undefined
  let lookTimer: NodeJS.Timeout | undefined
  let version: 4 | 5 = options.embedded ? 4 : 5
  let stopped = false
  /** For an address that closes without an answer: whether it speaks TLS. */
  let isTlsThere: boolean | undefined
  /** How often in a row the broker has accepted us and closed the connection soon after. */
  let disconnects = 0
  /** A connection that got a session which is not ours. */
  let strange: MqttClient | undefined
  const session: Session = { attempts: 0, connects: 0, resumed: undefined }
  let status: BrokerStatus = {
    code: 'connecting',
    reason: 'Connecting to the broker.',
    url: withoutCredentials(options.url),
    embedded: options.embedded,
    protocol: null,
    since: new Date().toISOString(),
    attempts: 0,
    granted: [],
    refused: [],
  }

  function setStatus(change: Partial<BrokerStatus>) {
    const since = change.code && change.code !== status.code ? new Date().toISOString() : status.since
    status = { ...status, ...change, since }
    events.onStatus(status)
  }

  function attempt() {
    session.attempts++
    let answered = false
    let connectedAt = 0
    let fault: Fault | undefined
    const storeFault = events.storeFault()
    const isDurable = storeFault === null
    const clientId = clientIdOf(options, isDurable)
    const { ownership } = options
    const isNew = isDurable && ownership?.isOurs(clientId) === false
    const current = mqtt.connect(options.url, sessionOptions(options, version, isDurable))
    client = current
    if (storeFault !== null) watchStore(current)

    current.on('connect', ({ sessionPresent }) => {
      answered = true
      isTlsThere = undefined
      connectedAt = performance.now()
      session.connects++
      session.resumed = sessionPresent
      if (ownership && isNew && sessionPresent) return leaveToOwner(current, ownership)
      const claimed = isDurable ? ownership?.claim(clientId) : undefined
      if (isDurable) events.onSession(sessionPresent)
      current.publish(statusTopicOf(options, isDurable), 'online', statusOptions(options, version), ignore)
      if (!isNew) return void subscribe(current, storeFault)
      // The session is known to be ours before anything waits in it.
      void claimed?.then(() => {
        if (current === client) void subscribe(current, storeFault)
      })
    })
    receive(current, version, () => {
      fault = { code: 'store-failed', reason: events.storeFault() ?? 'The history cannot be written.' }
      current.stream.destroy()
    })
    current.on('disconnect', (packet) => { fault = faultOfReasonCode(packet.reasonCode ?? 0) })
    current.on('error', (error) => {
      fault ??= faultOfError(error, answered ? '' : options.url)
      // A refused CONNACK ends without a `close` event on some transports.
      if (!answered) finish()
    })
    current.on('close', finish)

    function finish() {
      if (current !== client || stopped) return
      client = undefined
      clearTimeout(subscribeTimer)
      current.removeAllListeners('close')
      current.end(true)
      const reached = answered
      if (reached) subscriptions.closed(current)
      const why = fault ?? (reached ? CONNECTION_CLOSED : CLOSED_AT_ONCE)
      // Old brokers answer MQTT 5 with "unacceptable version", older ones just close: alternate with 3.1.1.
      if (!reached && !options.embedded && (why === CLOSED_AT_ONCE || why.code === 'protocol-refused')) version = version === 5 ? 4 : 5
      const isPuzzle = !reached && !options.embedded && !isTls(options.url) && mayExpectTls(why)
      if (isPuzzle && isTlsThere === undefined) void lookForTls()
      const wasDisconnected = reached && isBrokers(why) && performance.now() - connectedAt < HELD_MS
      disconnects = wasDisconnected ? disconnects + 1 : 0
      if (reached && !wasDisconnected) retry.reset()
      const isPattern = disconnects >= DISCONNECTED_TIMES
      const explained = isPuzzle && isTlsThere ? EXPECTS_TLS : isPattern ? twinOf(clientId) : why
      const { code, reason } = explained
      const attempts = status.attempts + 1
      setStatus({ code, reason, protocol: null, attempts, granted: [], refused: [], reasonCodes: [], further: undefined })
      if (wasDisconnected) lookTimer = setTimeout(() => void lookForBroker(), LOOK_AFTER_MS)
      retry.schedule(attempt, wasDisconnected && disconnects > 1)
    }
  }

  /** A broker that restarts does not disconnect single clients. */
  async function lookForBroker() {
    if (await isListening(options.url) || stopped) return
    disconnects = 0
    retry.reset()
    // Only a duplicate client has to wait that long.
    if (!client) retry.schedule(attempt)
  }

  /** Once, and again after a connection: the next failing attempt reports it. */
  async function lookForTls() {
    isTlsThere = false
    isTlsThere = await speaksTls(options.url)
  }

  /** Accepts messages, turn by turn; `onFailure` when they cannot be committed. */
  function receive(current: MqttClient, protocolVersion: 4 | 5, onFailure: () => void) {
    const turns = createTurns(current, events, onFailure)
    // Messages of a foreign session are neither inspected nor acknowledged.
    const takeOurs = (message: Delivered) => current === strange || turns.take(message)
    receiveDirectly(current, { protocolVersion, wantsTraceparent: options.wantsTraceparent, onPublish: takeOurs, onMalformed: error => current.stream.destroy(error) })
    current.handleMessage = (packet, done) => {
      const { topic, payload, retain, dup, messageId, properties } = packet
      const message: Delivered = { topic, payload: Buffer.from(payload), replayed: retain, redelivered: dup, packetId: packet.qos === 1 ? messageId : undefined }
      const [traceparent] = options.wantsTraceparent ? [properties?.userProperties?.traceparent].flat() : []
      if (traceparent !== undefined) message.traceparent = traceparent
      const isOurs = takeOurs(message)
      // An error tells MQTT.js not to acknowledge; the turn does that.
      const answer = packet.qos === 1 ? NOT_YET : undefined
      if (isOurs) done(answer)
      else setImmediate(done, answer)
    }
  }

  /** Nothing of the session was taken; it keeps the expiry that its owner most likely set. */
  function leaveToOwner(current: MqttClient, { giveWay, expirySeconds }: Ownership) {
    strange = current
    void giveWay()
    void replace(current, version === 5 ? expirySeconds : 0)
  }

  /** The next connection in place of a working one. */
  async function replace(current: MqttClient, sessionExpiryInterval = 0) {
    if (current !== client || stopped) return
    client = undefined
    clearTimeout(subscribeTimer)
    await endWithin(current, () => current.endAsync(false, sessionExpiryInterval ? { properties: { sessionExpiryInterval } } : {}))
    if (!client && !stopped) attempt()
  }

  /** Reconnects for what waits in the session as soon as it can be stored. */
  function watchStore(current: MqttClient) {
    storeTimer = setInterval(() => {
      if (current !== client) return clearInterval(storeTimer)
      if (events.storeFault() !== null) return
      clearInterval(storeTimer)
      client = undefined
      current.end(true)
      attempt()
    }, STORE_AGAIN_MS)
  }

  /** Asks for the topics; a refusal stays visible and is tried again, for access lists can be mended. */
  async function subscribe(current: MqttClient, storeFault: string | null) {
    const canStore = storeFault === null
    if (options.replica?.isLeaving) return leave(current)
    const { granted, refused, reasonCodes } = await subscriptions.ask(current, canStore)
    if (current !== client) return
    const common = { protocol: protocolName(), attempts: 0, granted, refused, reasonCodes }
    if (refused.length > 0) {
      setStatus({
        ...common,
        code: 'subscription-refused',
        reason: `The broker refused the subscription to ${refused.join(', ')}; allow it in the broker’s access list.`,
      })
      subscribeTimer = setTimeout(() => void subscribe(current, storeFault), SUBSCRIBE_AGAIN_MS)
      return
    }
    setStatus({ ...common, code: canStore ? 'connected' : 'store-failed', reason: storeFault ?? 'Connected to the broker.' })
    const further = await subscriptions.askFurther(current, canStore, () => current === client)
    if (further) setStatus({ further })
  }

  /** A graceful end sends no last will, so `offline` is published first. */
  function endGracefully(current: MqttClient): Promise<void> {
    const topic = statusTopicOf(options, status.code !== 'store-failed')
    return endWithin(current, () => current.publishAsync(topic, 'offline', statusOptions(options, version)).then(() => current.endAsync()))
  }

  function leave(current: MqttClient) {
    subscriptions.leave(current, () => {
      if (current === client) setStatus({ code: 'connected', reason: 'Connected to the broker.', protocol: protocolName(), attempts: 0 })
    })
  }

  function protocolName() {
    return version === 5 ? 'MQTT 5.0' as const : 'MQTT 3.1.1' as const
  }

  return {
    start: attempt,
    cut: () => void client?.stream.destroy(),
    renew() {
      if (client?.connected && version === 5) void replace(client)
    },
    status: () => status,
    session: () => ({ ...session }),
    async stop() {
      stopped = true
      retry.cancel()
      clearTimeout(subscribeTimer)
      clearTimeout(lookTimer)
      clearInterval(storeTimer)
      if (client) await endGracefully(client)
      setStatus({ code: 'stopped', reason: 'The application is shutting down.' })
    },
  }
}

/** A graceful end; a stuck connection is cut. */
async function endWithin(client: MqttClient, end: () => Promise<unknown>) {
  const timeout = new AbortController()
  await Promise.race([
    end().catch(ignore),
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, STOP_TIMEOUT_MS)
      timeout.signal.addEventListener('abort', () => clearTimeout(timer))
    }),
  ])
  timeout.abort()
  // A forced end does nothing while a graceful one is still waiting.
  client.stream.destroy()
}

function withoutCredentials(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}

function ignore() {}
