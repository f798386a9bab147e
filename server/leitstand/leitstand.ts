// Owns the composition: it builds the rooms and connects them. Promises that the data flow can be read here, top to
// bottom. Never does the work of a room.
import { basename, join } from 'node:path'
import type { BrokerStatus, Health } from '#shared/schemas/health'
import { withLoginOfUrl } from '#shared/mqtt/broker-login'
import { createAccounts } from '../auth/accounts'
import type { Accounts, NewSession, Principal, Opened, Refusal } from '../auth/contract'
import { createAccountsMarker } from '../auth/accounts-marker'
import { createSessionTakeover } from '../cluster/session-takeover'
import { createCluster } from '../cluster/cluster'
import type { Cluster } from '../cluster/cluster'
import type { LogApplierParts } from '../cluster/log-applier'
import { takeRetained } from '../cluster/retained'
import { createDoctor } from '../doctor/doctor'
import type { DoctorRoom } from '../doctor/doctor'
import { createCounters } from '../fleet/counters'
import type { Counters } from '../fleet/counters'
import { createDeviceList } from '../fleet/device-list'
import type { DeviceList } from '../fleet/device-list'
import { createFleet } from '../fleet/fleet'
import type { Fleet } from '../fleet/fleet'
import { createPresence } from '../fleet/presence/presence'
import type { PresenceWatch } from '../fleet/presence/presence'
import { createRecentMessages } from '../fleet/recent-messages'
import type { RecentMessages } from '../fleet/recent-messages'
import { createSnapshot } from '../fleet/snapshot'
import { createStateMessages } from '../fleet/state-messages'
import { openDocuments } from '../history/documents'
import { createHistory } from '../history/sqlite/history'
import type { Durability, History, HistoryOptions } from '../history/contract'
import { createPostgresHistory } from '../history/postgres/history'
import type { Restored } from '../history/engine/records'
import { createDeviceDeletion } from './device-deletion'
import type { DeviceDeletion } from './device-deletion'
import { readFigures } from './monitoring'
import { createCounterStore } from './counter-store'
import { createIngest, recountStored, restoreFleet } from '../ingest/ingest'
import { requireFolder } from './data-folder'
import { writeKeyFile } from './key-file'
import { createHub } from '../stream/hub'
import type { Hub } from '../stream/hub'
import type { Grouping } from '../stream/subscription-filter'
import type { Metrics } from '../metrics/metrics'
import { createInstallation } from './installation'
import { createConnection } from '../mqtt/connection'
import type { TurnEvents } from '../mqtt/turns'
import type { Connection } from '../mqtt/connection'
import type { EmbeddedBroker } from '../mqtt/embedded-broker'
import { examine } from '../mqtt/examination'
import { statusTopic } from '../mqtt/session-options'
import { createOidc } from '../auth/oidc/oidc'
import type { Oidc } from '../auth/oidc/oidc'
import type { Registry } from '../registry/contract'
import { pointInTimeError } from '../replay/point-in-time'
import { createRegistry } from '../registry/registry'
import { createRejections } from '../rejections/rejections'
import type { Rejections } from '../rejections/rejections'
import { createReplays } from '../replay/replays'
import type { Replays } from '../replay/replays'
import { createServerClock } from './server-clock'
import { readCertificates } from '../http/certificates'
import type { Settings } from '../settings'
import { createRejectedRequests } from '../http/rejected-requests'
import type { RejectedRequests } from '../http/rejected-requests'
import { createSources } from '../sources/index'
import { createTopics } from '../topics/topics'
import type { TopicTree } from '../topics/topics'

export type { NewSession, Principal, Opened, Refusal as AccountRefusal }

/** Wraps the turns in which messages come in. */
export interface TurnTracing { traceTurns: (events: TurnEvents, durability: Durability | 'off') => TurnEvents }

export interface Leitstand {
  start: (tracing?: TurnTracing) => Promise<void>
  stop: () => Promise<void>
  fleet: Fleet
  devices: DeviceList
  presence: Pick<PresenceWatch, 'counts'>
  recent: RecentMessages
  counters: Counters
  rejections: Rejections
  refusals: RejectedRequests
  topics: TopicTree
  doctor: DoctorRoom
  registry: Registry
  accounts: Accounts
  /** Only where a provider is configured. */
  oidc: Oidc | undefined
  forgetting: DeviceDeletion
  hub: Hub
  /** The past; asked only while the history is open. */
  replays: Replays
  history: History | undefined
  limits: Settings['limits']
  /** Only where this is one of several replicas. */
  cluster: Cluster | undefined
  health: () => Health
  /** What Prometheus collects. */
  metrics: () => Promise<Metrics>
}

/** Log lines for the operator. */
export interface Log {
  info: (line: string) => void
  warn: (line: string) => void
}

/** The name under which replicas share the messages. */
const SHARE_NAME = 'leitstand'
/** The process manager restarts it. */
const EXIT_OUTDATED = 75
/** A device may send what it measured a little earlier: it may be behind by so many times of what it may be ahead. */
const CLOCK_BEHIND = 2
/** How long the doctor looks at everything the broker carries. */
const EXAMINATION_MS = 5_000

const ACCOUNTS_LOST = 'There were accounts here, and they cannot be read: nobody may enter. `npm run admin -- create NAME` on this machine makes an account; with the server stopped `npm run restore -- FILE --force` puts a backup back; `npm run admin -- give-up-accounts` gives the accounts up, as if there had been none.'
const ACCOUNTS_UNREAD = 'The accounts cannot be read as long as the database cannot be: nobody may enter without one. Solve the problem reported above, or stop the server and put a backup back with `npm run restore -- FILE --force`; then `npm run admin` works on this machine as ever.'

/** @throws {SettingsError} when a file or folder that is named is of no use. */
export function createLeitstand(settings: Settings, log: Log): Leitstand {
  const { limits } = settings
  const mqtt = withLoginOfUrl(settings.mqtt)
  const startedAt = new Date().toISOString()
  const clock = createServerClock({ log })
  const tls = readCertificates(mqtt)
  requireFolder(settings.dataDir)
  let broker: EmbeddedBroker | undefined
  let connection: Connection | undefined
  let isRestoring = false
  let removeKey: (() => void) | undefined
  let metrics: Promise<Metrics> | undefined

  const sources = createSources(limits)
  const rejections = createRejections()
  const refusals = createRejectedRequests(log.warn)
  const topics = createTopics(limits)
  const fleet = createFleet(limits)
  const snapshot = createSnapshot(fleet)
  const devices = createDeviceList(fleet, snapshot)
  const recent = createRecentMessages(limits.recentBytes)
  const counters = createCounters(deviceId => fleet.findRecord(deviceId)?.place)
  const grouping: Grouping = {
    groupOf: deviceId => registry.groupOf(deviceId),
    members: group => registry.members(group),
    labelsOf: deviceId => registry.labelsOf(deviceId),
    within: deviceScope => registry.within(deviceScope),
  }
  const hub = createHub({
    maxClients: limits.streamClients,
    maxClientsPerAddress: limits.streamClientsPerAddress,
    maxBufferedBytes: limits.streamBufferBytes,
    maxWaitingBytes: limits.streamWaitingBytes,
    stuckMs: limits.streamStuckSeconds * 1_000,
    logBudget: limits.streamLogBytes,
    ...(settings.cluster && { numbering: { epoch: () => cluster?.numbering.epoch() ?? '', current: () => cluster?.numbering.current() ?? 0 } }),
    states: createStateMessages(fleet, snapshot),
    grouping,
    broker: brokerText,
  })
  const presence = createPresence({
    intervalOf: deviceId => registry.intervalSeconds(deviceId),
    isPresenceAuthority: () => cluster?.isPresenceAuthority() ?? true,
    now: clock.now,
    onChange(change, isTurn) {
      if (cluster?.reportPresence(change, isTurn)) return
      if (isTurn && !isRestoring) history?.presence.note(change)
      if (fleet.applyPresence(change).kind === 'hidden') return
      // Before the connection no client can have got anything else.
      if (connection) hub.publish('presence', change.deviceId, JSON.stringify(change))
    },
  })

  const file = join(settings.dataDir, 'history.db')
  const marker = createAccountsMarker({
    folder: settings.dataDir,
    database: settings.databaseUrl && settings.history === 'on' ? undefined : file,
    isShared: settings.cluster,
    hasFailed: () => history?.fault() !== null,
  })
  function onDamaged(movedTo: string) {
    log.warn(`The history was damaged; it is set aside as ${basename(movedTo)} and a new one begins.`)
    marker.damaged(movedTo)
  }
  const common: Omit<HistoryOptions, 'onOpen' | 'durability'> = {
    unacknowledged: mqtt.receiveMaximum,
    retention: {
      rawDays: settings.historyRawDays,
      minuteDays: settings.historyMinuteDays,
      hourDays: settings.historyHourDays,
      bytes: settings.historyMegabytes * 1_000_000,
    },
    stateOf(deviceId) {
      const held = fleet.findRecord(deviceId)
      return held && JSON.stringify({ ...held.device, counters: counters.stored(held.place) })
    },
    now: clock.now,
    pruneNow: clock.pruneNow,
    onFault(reason) {
      if (reason === null) return log.info('The history is written again.')
      log.warn(reason)
      if (cluster) connection?.cut()
    },
  }
  const cluster: Cluster | undefined = settings.cluster
    ? createCluster({
        ...common,
        url: settings.databaseUrl,
        clientId: () => installation.name(),
        rooms: (): LogApplierParts => ({ fleet, presence, counters, hub, registry, accounts, forgetting, documents: store }),
        onDocuments: loadDocuments,
        onLead(leads) {
          log.info(leads ? 'This replica leads now: it finds who is silent, packs and gives up what is too old.' : 'This replica does not lead any more.')
          if (!leads) return sessionTakeover?.stop()
          sessionTakeover?.start()
          void takeRetained({ ...mqtt, tls, clientId: `${cluster?.passing()}-retained`, filters: [...sources.filters, ...sources.furtherFilters], onMessage: ingest.onMessage, onTurnEnd: ingest.onTurnEnd })
        },
        isListening: () => brokerStatus().code === 'connected',
        onOutdated(reason) {
          log.warn(reason)
          process.exit(EXIT_OUTDATED)
        },
      })
    : undefined
  const history: History | undefined = settings.history === 'off'
    ? undefined
    : cluster?.replica ?? openedIn({
      ...common,
      durability: settings.historyDurability,
      onTakenBack: deviceIds => deviceIds.forEach(counters.takeBack),
      onReopen: restored => recountStored(counters, restored),
      onOpen(restored) {
        restore(restored)
        counterStore?.load()
        loadDocuments()
      },
    })
  function openedIn(options: HistoryOptions): History {
    return settings.databaseUrl ? createPostgresHistory({ ...options, url: settings.databaseUrl }) : createHistory({ ...options, file, onDamaged })
  }
  // Without a history they are stored alone, in the same file.
  const documents = openDocuments(file, onDamaged)
  const store = history?.documents ?? documents
  const installation = createInstallation({
    clientId: mqtt.clientId,
    sessionExpirySeconds: mqtt.sessionExpirySeconds,
    marks: () => (history ?? documents).marks,
    isOpen: () => (history ?? documents).isOpen(),
    ...(cluster && { counts: cluster.replica.leads }),
    log,
  })
  const presented = { clientId: installation.name, installation: installation.name, sessionExpirySeconds: installation.sessionExpirySeconds }
  // Each of several replicas counts for itself what it receives, since its start.
  const counterStore = history && !cluster
    ? createCounterStore({ fleet, counters, documents: history.documents })
    : undefined
  const registry = createRegistry({
    store,
    limits,
    onChange: (device, from) => cluster ? cluster.noteMove(device.deviceId, from) : hub.publish('device', device.deviceId, JSON.stringify(device), { from, to: device }),
    onWritten() {
      presence.reconsider(clock.now())
      replays.reconsider()
    },
  })
  const oidc = settings.oidc.issuer ? createOidc({ settings: settings.oidc, warn: log.warn }) : undefined
  const accounts = createAccounts({
    store,
    marker,
    isOpen: settings.accounts.open,
    sessionDays: settings.accounts.sessionDays,
    maxAccounts: limits.accounts,
    maxAuditEntries: limits.auditEntries,
    provider: oidc?.label ?? null,
    onNone: () => log.info(`No account exists yet: ${settings.accounts.open ? 'everybody' : 'only this machine'} may enter. The first account is made on the page /welcome with the code ${accounts.firstCode()}, or with \`npm run admin -- create\`.`),
    ...(cluster && { auditId: cluster.auditId }),
  })
  const replays: Replays = createReplays({
    mostReplays: limits.replays,
    most: limits.replayMessages,
    bufferBytes: limits.streamBufferBytes,
    past() {
      if (!history) throw new Error('The history is off.')
      return history.reader()
    },
    faultOf: at => pointInTimeError({ history, replays }, at),
    now: fleet.get,
    intervalOf: deviceId => registry.intervalSeconds(deviceId),
    grouping,
    broker: brokerText,
  })
  const forgetting = createDeviceDeletion({
    fleet, presence, recent, registry, hub, history,
    counters: {
      clear(place, deviceId) {
        counters.clear(place)
        counterStore?.forget(deviceId)
      },
    },
    documents: store,
    undoMs: settings.forgetUndoSeconds * 1_000,
    maxRemembered: limits.forgottenDevices,
    ...(cluster && { isOurs: cluster.replica.leads }),
  })
  const doctor = createDoctor({
    broker: brokerStatus,
    counts: () => ({ ...ingest.counts(), rejected: rejections.total() }),
    topics: topics.heard,
    wrongClocks: fleet.wrongClocks,
    clockStep: clock.lastStep,
    root: mqtt.root,
    examine: () => examine({
      ...mqtt,
      url: broker?.url ?? mqtt.url,
      tls,
      protocolVersion: brokerStatus().protocol === 'MQTT 3.1.1' ? 4 : 5,
      filters: [...sources.filters, ...sources.furtherFilters],
      clientId: installation.name(),
      installation: installation.name(),
      statusTopic: statusTopic(mqtt.root, cluster?.session()),
      ms: EXAMINATION_MS,
    }),
  })
  const ingestParts = { sources, rejections, topics, fleet, presence, forgetting, counters, history, recent, hub, replica: cluster?.replica, now: clock.now, behindMs: CLOCK_BEHIND * limits.clockToleranceSeconds * 1_000 }
  const ingest = createIngest(ingestParts)
  const sessionTakeover = cluster && createSessionTakeover({
    replica: cluster.replica,
    connection: { ...mqtt, ...presented, embedded: false, tls, filters: sources.filters, furtherFilters: sources.furtherFilters, wantsTraceparent: false, shareName: SHARE_NAME },
    sessionOf: cluster.sessionOf,
    ingestFor: share => createIngest({ ...ingestParts, history: { ...cluster.replica, ...share } }),
    onTakenOver: (
      slot,
      messages,
    ) => log.info(`Took over what waited for replica ${slot}, which is gone: ${messages} messages.`),
  })

  /** The presence of each device is recorded at the end: before that, old messages are replayed. */
  function restore(restored: Restored) {
    isRestoring = true
    try {
      const lastMs = restoreFleet({ fleet, presence, counters }, restored)
      if (lastMs !== undefined) clock.resume(lastMs)
    }
    finally {
      isRestoring = false
    }
    for (const { deviceId, presence, presenceSince } of fleet.all()) {
      if (presence && presenceSince) history?.presence.note({ deviceId, presence, since: presenceSince })
    }
  }

  function loadDocuments() {
    const { unreadable } = registry.load()
    loadAccounts()
    forgetting.load()
    presence.reconsider(clock.now())
    if (unreadable > 0) log.warn(`${unreadable} entries about devices were written by another version of the application and are left out.`)
  }

  function loadAccounts() {
    const { unreadable } = accounts.load()
    if (unreadable > 0) log.warn(`${unreadable} entries about accounts were written by another version of the application and are left out.`)
    if (accounts.state() === 'lost') log.warn(ACCOUNTS_LOST)
  }

  /** Loaded and made when it is asked for the first time. */
  async function makeMetrics(): Promise<Metrics> {
    const { createMetrics } = await import('../metrics/metrics')
    const session = () => connection?.session()
    return createMetrics(() => readFigures({ ingest, rejections, presence, hub, replays, history, refusals, accounts, limits, file, broker: brokerStatus, session, replica: cluster?.replica }))
  }

  let lastCode: string | undefined
  function onStatus(status: BrokerStatus) {
    hub.publish('broker', undefined, JSON.stringify(status))
    presence.listen(status.code === 'connected', clock.now())
    if (status.code === lastCode) return
    lastCode = status.code
    const line = `${status.reason} [${status.url}${status.protocol ? `, ${status.protocol}` : ''}]`
    if (status.code === 'connected') log.info(line)
    else log.warn(line)
  }

  function loadAlone() {
    try {
      loadDocuments()
    }
    catch (error) {
      log.warn(error instanceof Error ? error.message : String(error))
    }
  }

  function brokerStatus(): BrokerStatus {
    return connection?.status() ?? STARTING
  }

  /** The broker's address and its errors are not for clients that may not see everything. */
  function brokerText(isLimited: boolean): string {
    const status = brokerStatus()
    return JSON.stringify(isLimited ? { ...status, url: '', granted: [], refused: [] } satisfies BrokerStatus : status)
  }

  return {
    fleet,
    presence,
    devices,
    recent,
    counters,
    rejections,
    refusals,
    topics,
    doctor,
    registry,
    accounts,
    oidc,
    forgetting,
    hub,
    replays,
    history,
    limits,
    cluster,
    async start(tracing) {
      hub.start()
      presence.start()
      accounts.start()
      removeKey = writeKeyFile(settings.dataDir, accounts.masterKey())
      if (history) await history.open()
      else loadAlone()
      if (accounts.state() === 'unread' && accounts.isClosed()) log.warn(ACCOUNTS_UNREAD)
      if (!mqtt.url) {
        // Loaded only where it is wanted.
        const { startEmbeddedBroker } = await import('../mqtt/embedded-broker')
        broker = await startEmbeddedBroker(mqtt.embeddedPort)
        log.info(
          `No NUXT_MQTT_URL is set: started an embedded broker on ${broker.url} (this machine only, nothing stored on disk).`,
        )
      }
      connection = createConnection(
        {
          ...mqtt, ...presented, url: broker?.url ?? mqtt.url, embedded: broker !== undefined, tls, filters: sources.filters, furtherFilters: sources.furtherFilters, wantsTraceparent: tracing !== undefined,
          // One database is one installation, and the broker in this process belongs to it alone.
          ...(cluster ? { replica: { shareName: SHARE_NAME, session: cluster.session, passing: cluster.passing } } : !broker && { ownership: { ...installation, expirySeconds: mqtt.sessionExpirySeconds } }),
        },
        { ...ingest, ...tracing?.traceTurns(ingest, settings.history === 'off' ? 'off' : settings.historyDurability), onStatus },
      )
      connection.start()
      installation.start(connection.renew)
    },
    async stop() {
      hub.stop()
      replays.stop()
      presence.stop()
      forgetting.stop()
      accounts.stop()
      removeKey?.()
      await connection?.stop()
      ingest.settle()
      await installation.stop()
      await broker?.stop()
      await counterStore?.stop()
      await history?.close()
      documents.close()
    },
    health() {
      const status = brokerStatus()
      const well = status.code === 'connected'
      return {
        status: well ? 'ok' : 'fault',
        reason: well ? null : status.reason,
        broker: status,
        startedAt,
        clock: clock.lastStep(),
        devices: fleet.size(),
        streamClients: hub.size() + replays.size(),
        messages: { ...ingest.counts(), rejected: rejections.total() },
        refused: refusals.report(),
      }
    },
    metrics: () => metrics ??= makeMetrics(),
  }
}

const STARTING: BrokerStatus = {
  code: 'connecting',
  reason: 'The application is starting.',
  url: '',
  embedded: false,
  protocol: null,
  since: new Date().toISOString(),
  attempts: 0,
  granted: [],
  refused: [],
}
