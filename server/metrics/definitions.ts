import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import { BrokerCodeSchema } from '#shared/schemas/health'
import { RefusalReasonSchema } from '#shared/schemas/refusal'
import { RejectionReasonSchema } from '#shared/schemas/rejection'
import { version } from '../../package.json'
import type { Figures } from './figures'

/** A value, or one for each value of a label; undefined: not available now, and left out. */
type Values = number | undefined | Readonly<Record<string, number>>

export interface Definition {
  kind: 'counter' | 'gauge'
  name: `leitstand_${string}`
  help: string
  /** Name of the label, whose values are few and known: never a device, topic or address. */
  label?: string
  read: (figures: Figures) => Values
}

const TRAFFIC: Definition[] = [
  { kind: 'counter', name: 'leitstand_messages_received_total', help: 'Messages received from the broker.', read: ({ messages }) => messages.received },
  { kind: 'counter', name: 'leitstand_messages_accepted_total', help: 'Messages accepted.', read: ({ messages }) => messages.accepted },
  { kind: 'counter', name: 'leitstand_messages_duplicate_total', help: 'Messages delivered again although they were stored already.', read: ({ messages }) => messages.duplicate },
  { kind: 'counter', name: 'leitstand_messages_rejected_total', help: 'Messages that were not accepted, by reason.', label: 'reason', read: ({ rejected }) => filled(RejectionReasonSchema.options, rejected) },
  { kind: 'gauge', name: 'leitstand_devices', help: 'Devices by presence.', label: 'presence', read: ({ devices }) => devices.byPresence },
  {
    kind: 'gauge',
    name: 'leitstand_devices_limit',
    help: 'Most devices that are stored.',
    read: ({ devices }) => devices.limit,
  },
]

const BROKER: Definition[] = [
  { kind: 'gauge', name: 'leitstand_broker_connected', help: 'Whether messages can arrive from the broker.', read: ({ broker }) => Number(broker.code === 'connected') },
  { kind: 'gauge', name: 'leitstand_broker_status', help: 'How the connection to the broker stands: 1 for the code that holds, 0 for all others.', label: 'code', read: ({ broker }) => filled(BrokerCodeSchema.options, { [broker.code]: 1 }) },
  { kind: 'gauge', name: 'leitstand_broker_status_since_timestamp_seconds', help: 'Unix time since which that code holds.', read: ({ broker }) => broker.sinceMs / 1_000 },
  { kind: 'counter', name: 'leitstand_broker_attempts_total', help: 'Attempts to connect to the broker.', read: ({ broker }) => broker.attempts },
  { kind: 'counter', name: 'leitstand_broker_connects_total', help: 'Connections that the broker accepted.', read: ({ broker }) => broker.connects },
  { kind: 'gauge', name: 'leitstand_broker_session_resumed', help: 'Whether the broker went on with our session at the last connect.', read: ({ broker }) => broker.resumed === undefined ? undefined : Number(broker.resumed) },
]

const STORE: Definition[] = [
  {
    kind: 'gauge',
    name: 'leitstand_store_enabled',
    help: 'Whether the history is on.',
    read: ({ store }) => Number(store.isEnabled),
  },
  { kind: 'gauge', name: 'leitstand_store_fault', help: 'Whether the history cannot be written now.', read: ({ store }) => Number(store.hasFailed) },
  { kind: 'gauge', name: 'leitstand_store_unkept_messages', help: 'Messages appended that are not known to be on disk yet.', read: ({ store }) => store.history?.uncommitted },
  { kind: 'gauge', name: 'leitstand_store_unpacked_messages', help: 'Messages on disk in the journal that wait to be packed.', read: ({ store }) => store.history?.uncompacted },
  { kind: 'counter', name: 'leitstand_store_commits_total', help: 'Commits of received messages.', read: ({ store }) => store.history?.commits },
  { kind: 'counter', name: 'leitstand_store_commit_seconds_total', help: 'Time these commits took until they were on disk.', read: ({ store }) => store.history?.commitSeconds },
  { kind: 'gauge', name: 'leitstand_store_file_bytes', help: 'Size of the database file and of its write-ahead log.', label: 'file', read: ({ store }) => given({ database: store.databaseBytes, log: store.logBytes }) },
  { kind: 'gauge', name: 'leitstand_store_used_bytes', help: 'Bytes in use in the database.', read: ({ store }) => store.history?.usedBytes },
  { kind: 'gauge', name: 'leitstand_store_limit_bytes', help: 'Bytes that the history may use; beyond them the oldest messages are deleted.', read: ({ store }) => store.history?.limitBytes },
  { kind: 'gauge', name: 'leitstand_store_disk_free_bytes', help: 'Bytes free on the disk with the data.', read: ({ store }) => store.freeBytes },
  {
    kind: 'gauge',
    name: 'leitstand_store_oldest_message_timestamp_seconds',
    help: 'Unix time of the oldest stored message; counted at most a minute ago.',
    read: ({ store }) => seconds(store.history?.rawFrom),
  },
]

const STREAM: Definition[] = [
  { kind: 'gauge', name: 'leitstand_stream_clients', help: 'Open event streams: of the present, and replays of the past.', label: 'kind', read: ({ stream }) => ({ live: stream.clients, replay: stream.replays }) },
  { kind: 'gauge', name: 'leitstand_stream_clients_limit', help: 'Event streams that may be open at once.', label: 'kind', read: ({ stream }) => ({ live: stream.clientLimit, replay: stream.replayLimit }) },
  { kind: 'counter', name: 'leitstand_stream_events_published_total', help: 'Events made for the live stream.', read: ({ stream }) => stream.published },
  { kind: 'counter', name: 'leitstand_stream_events_delivered_total', help: 'Events written to live clients: each counts once for each client.', read: ({ stream }) => stream.delivered },
  { kind: 'counter', name: 'leitstand_stream_events_coalesced_total', help: 'Events merged because a live client could not keep up: it gets the latest of each device instead.', read: ({ stream }) => stream.coalesced },
  { kind: 'counter', name: 'leitstand_stream_clients_given_up_total', help: 'Live clients closed by us: they read nothing (stuck), answered no ping (unanswered), or writing to them failed.', label: 'reason', read: ({ stream }) => stream.givenUp },
  { kind: 'gauge', name: 'leitstand_stream_slow_clients', help: 'Live clients that cannot keep up now.', read: ({ stream }) => stream.slowClients },
  { kind: 'gauge', name: 'leitstand_stream_waiting_bytes', help: 'Bytes that wait for slow live clients.', read: ({ stream }) => stream.waitingBytes },
  { kind: 'gauge', name: 'leitstand_stream_waiting_limit_bytes', help: 'Bytes that may wait for them before each may have less.', read: ({ stream }) => stream.waitingLimit },
]

const CLUSTER: Definition[] = [
  { kind: 'gauge', name: 'leitstand_cluster_leads', help: 'Whether this replica leads (1): it finds who is silent, packs and gives up what is too old. Exactly one of them should.', read: ({ cluster }) => cluster && Number(cluster.leads) },
  { kind: 'gauge', name: 'leitstand_cluster_session', help: 'Number of this replica’s session at the broker.', read: ({ cluster }) => cluster?.slot },
  { kind: 'gauge', name: 'leitstand_cluster_log_position', help: 'The record of the common log up to which this replica knows and shows everything.', read: ({ cluster }) => cluster?.position },
]

const DOOR: Definition[] = [
  { kind: 'counter', name: 'leitstand_refused_total', help: 'Requests and connections turned away before anything was done for them, by reason.', label: 'reason', read: ({ refused }) => filled(RefusalReasonSchema.options, refused) },
  { kind: 'counter', name: 'leitstand_logins_failed_total', help: 'Attempts to sign in that led nobody in: wrong, not looked at because there were too many (throttled), or failed at the identity provider.', label: 'reason', read: ({ logins }) => ({ wrong: logins.failed, throttled: logins.refused, provider: logins.provider }) },
]

const PROCESS: Definition[] = [
  { kind: 'gauge', name: 'leitstand_build_info', help: 'Always 1; the version stands in the label.', label: 'version', read: () => ({ [version]: 1 }) },
  { kind: 'gauge', name: 'leitstand_time_seconds', help: 'Unix time by the server’s clock.', read: () => Date.now() / 1_000 },
  { kind: 'gauge', name: 'leitstand_memory_limit_bytes', help: 'Memory that the process may have: the limit of its container, or all of the machine.', read: memoryLimit },
  { kind: 'gauge', name: 'leitstand_heap_limit_bytes', help: 'Size that the JavaScript heap may have.', read: () => getHeapStatistics().heap_size_limit },
]

/** All our own metrics, in the order of the output. */
export const DEFINITIONS: readonly Definition[] = [...TRAFFIC, ...BROKER, ...STORE, ...STREAM, ...CLUSTER, ...DOOR, ...PROCESS]

/** Every key, also those that have not been counted: a rate needs the zero before. */
function filled(keys: readonly string[], counts: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(keys.map(key => [key, counts[key] ?? 0]))
}

function given(values: Record<string, number | undefined>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).flatMap(([key, value]) => value === undefined ? [] : [[key, value]]))
}

function seconds(microseconds: number | null | undefined): number | undefined {
  return typeof microseconds === 'number' ? microseconds / 1_000_000 : undefined
}

/** Without a limit the system reports 0, or more than there is. */
function memoryLimit(): number {
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}
