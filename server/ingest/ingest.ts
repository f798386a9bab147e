// Owns the way of a message through the rooms; the connection calls it. Promises that a message is acknowledged only
// after the commit of its turn is on disk. Never interprets a payload: the sources do.
import { DeviceStateSchema } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import type { Counters } from '../fleet/counters'
import type { Fleet, Outcome } from '../fleet/fleet'
import type { PresenceWatch } from '../fleet/presence/presence'
import { createOrderDecisions } from '../fleet/order-decisions'
import type { RecentMessages } from '../fleet/recent-messages'
import type { History } from '../history/contract'
import { isSample } from '../history/engine/records'
import type { NewRecord, Restored } from '../history/engine/records'
import type { Replica } from '../cluster/replica'
import type { DeviceDeletion } from '../leitstand/device-deletion'
import type { Hub } from '../stream/hub'
import type { ConnectionEvents, Delivered } from '../mqtt/connection'
import type { Rejections } from '../rejections/rejections'
import type { Sources } from '../sources/index'
import type { Observation, Refusal } from '../sources/source'
import type { TopicTree } from '../topics/topics'

export interface IngestParts {
  sources: Pick<Sources, 'read'>
  rejections: Rejections
  topics: TopicTree
  fleet: Fleet
  presence: PresenceWatch
  forgetting: Pick<DeviceDeletion, 'ignores'>
  counters: Counters
  history: History | undefined
  /** Replaces a history that is off or has failed. */
  recent: RecentMessages
  hub: Hub
  /**
   * If several replicas share a history: stored messages come back through their log, and only then are they
   * published.
   */
  replica?: Pick<Replica, 'broadcast'> | undefined
  /** The server's time in milliseconds since 1970. */
  now: () => number
  /** How far behind the server's clock a device's time may be and still count as right. */
  behindMs: number
}

type Accepted = Exclude<Observation, { kind: 'rejected' }>

export interface Ingest extends Omit<ConnectionEvents, 'onStatus'> {
  /** Nothing more comes: doubtful messages are decided now. */
  settle: () => void
  counts: () => { received: number, accepted: number, duplicate: number }
}

export function createIngest(parts: IngestParts): Ingest {
  const { sources, rejections, topics, fleet, presence, forgetting, counters, history, recent, hub, replica, now, behindMs } = parts
  const counts = { received: 0, accepted: 0, duplicate: 0 }
  const verdicts = createOrderDecisions({ fleet, behindMs, isShared: replica !== undefined, onNewest: publishNewest })
  let isTurnOpen = false

  function onMessage(delivered: Delivered) {
    counts.received++
    isTurnOpen = true
    const receivedMs = now()
    const observations = sources.read(delivered, receivedMs)
    const [first = NOTHING] = observations
    const isDuplicate = first.kind !== 'rejected' && history !== undefined && !history.fault() && history.isStored(delivered)
    if (isDuplicate) counts.duplicate++
    let rejection: Refusal | undefined
    for (const observation of observations) {
      const refusal = observation.kind === 'rejected' ? observation : take(observation, delivered, receivedMs, isDuplicate)
      if (observation.kind === 'rejected' && observation.deviceId !== undefined) counters.count(observation.deviceId, 'received')
      rejection ??= refusal
    }
    if (rejection) return reject(delivered, rejection, receivedMs)
    if (!isDuplicate) counts.accepted++
    topics.take(delivered, first, receivedMs)
  }

  /** What one device says in a message; why that cannot be accepted, or undefined. */
  function take(observation: Accepted, delivered: Delivered, receivedMs: number, isDuplicate: boolean): Refusal | undefined {
    const value = observation.kind === 'telemetry' ? observation.telemetry : observation.change
    const { deviceId } = value
    if (isDuplicate) {
      counters.count(deviceId, 'received')
      counters.count(deviceId, 'duplicate')
      return undefined
    }
    if (forgetting.ignores(value)) return undefined
    if (observation.kind === 'telemetry') verdicts.onTelemetry(observation.telemetry, observation.time, receivedMs)
    else verdicts.onStatus(observation.change, receivedMs)
    const isShared = replica !== undefined && history?.fault() === null
    const outcome = apply(observation, delivered.payload.length, isShared)
    counters.count(deviceId, 'received')
    if (outcome.kind === 'full') return { ...outcome, kind: 'rejected', deviceId }
    if (outcome.kind === 'known') return undefined
    if (isShared) {
      share(observation, delivered)
      return undefined
    }
    storeAndPublish(observation, delivered, outcome.kind === 'hidden')
    presence.take(value, receivedMs)
    return undefined
  }

  /**
   * A message that was taken for late data stayed alone: it is published again, as the newest. It is not a new
   * sample.
   */
  function publishNewest(telemetry: Telemetry) {
    const body = JSON.stringify(telemetry)
    const isStored = history !== undefined && history.fault() === null
    try {
      if (isStored) history.append({ kind: 'telemetry', value: telemetry, body, delivery: NO_DELIVERY })
      // The end of an open turn commits it with its messages.
      if (isStored && !isTurnOpen) history.commit()
    }
    catch {
      // The history has set its fault.
    }
    if (replica && isStored) return
    if (fleet.applyTelemetry(telemetry, 0).kind !== 'changed') return
    hub.publish('telemetry', telemetry.deviceId, body)
    if (!isTurnOpen) hub.flush()
  }

  /** With a shared log the message is applied when it comes back. */
  function apply(observation: Accepted, bytes: number, isShared: boolean): Outcome {
    if (observation.kind === 'status') return isShared ? fleet.judgeStatus(observation.change, bytes) : fleet.applyStatus(observation.change, bytes)
    return isShared ? fleet.judgeTelemetry(observation.telemetry, bytes) : fleet.applyTelemetry(observation.telemetry, bytes)
  }

  function share(observation: Accepted, delivery: Delivered) {
    const value = observation.kind === 'telemetry' ? observation.telemetry : observation.change
    if (hasOwnTime(observation)) history?.append(recordOf(observation, JSON.stringify(value), delivery))
    else replica?.broadcast('replayed', value.deviceId, value, delivery.payload)
  }

  function reject(delivered: Delivered, { reason, detail, deviceId }: Omit<Refusal, 'kind'>, atMs: number) {
    rejections.add(delivered.topic, delivered.payload, reason, detail, new Date(atMs))
    topics.take(delivered, { kind: 'rejected', reason, detail }, atMs)
    if (deviceId !== undefined) counters.count(deviceId, 'rejected')
  }

  function storeAndPublish(observation: Accepted, delivery: Delivered, isHidden: boolean) {
    // One encoding serves the disk and every browser.
    const value = observation.kind === 'telemetry' ? observation.telemetry : observation.change
    const body = JSON.stringify(value)
    if (!isHidden) hub.publish(observation.kind === 'telemetry' ? 'telemetry' : 'state', value.deviceId, body)
    if (observation.kind === 'telemetry' && observation.telemetry.seq !== undefined) counters.sequence(value.deviceId, observation.telemetry.seq)
    if (!history || history.fault()) {
      if (observation.kind === 'telemetry') recent.add(value.deviceId, body)
      return
    }
    if (!hasOwnTime(observation)) return
    history.append(recordOf(observation, body, delivery))
    counters.count(value.deviceId, 'stored')
  }

  return {
    onMessage,
    onTurnEnd(done) {
      isTurnOpen = false
      // Clients need not wait until a commit and its acknowledgements are written.
      hub.flush()
      if (history) history.commit(done)
      else done?.(true)
    },
    onSession(resumed) {
      verdicts.connected(resumed, now())
      if (!history || history.fault()) return
      if (resumed) return history.sessionResumed()
      try {
        history.forgetDeliveries()
      }
      catch {
        // The history has set its fault; the first message will meet it again and close the connection.
      }
    },
    storeFault() {
      if (history?.fault()) history.probe()
      return history?.fault() ?? null
    },
    settle: verdicts.settle,
    counts: () => counts,
  }
}

const NOTHING = { kind: 'nothing' } as const
const NO_DELIVERY = { packetId: undefined, topic: '', payload: new Uint8Array(), redelivered: false }

/** A replayed message without a time of its own has no known time: it fills the last value and is not a sample. */
function hasOwnTime(observation: Accepted): boolean {
  if (observation.kind === 'status') return true
  const { replayed, ts, receivedAt, claimedTs } = observation.telemetry
  return !replayed || (ts !== receivedAt && claimedTs === undefined)
}

function recordOf(observation: Accepted, body: string, delivery: Delivered): NewRecord {
  return observation.kind === 'telemetry'
    ? { kind: 'telemetry', value: observation.telemetry, time: observation.time, body, delivery }
    : { kind: 'status', value: observation.change, body, delivery }
}

/**
 * Restores the fleet: the last stored states, then the records after them. Returns when the server last heard a
 * device, in milliseconds since 1970.
 */
export function restoreFleet({ fleet, presence, counters }: Pick<IngestParts, 'fleet' | 'presence' | 'counters'>, { devices, records }: Restored): number | undefined {
  let lastMs: number | undefined
  counters.beginRecount()
  for (const { state } of devices) {
    const device = DeviceStateSchema.safeParse(state)
    if (!device.success) continue
    if (device.data.lastSeen !== null) lastMs = Math.max(lastMs ?? 0, Date.parse(device.data.lastSeen))
    fleet.restore(device.data, JSON.stringify(device.data).length)
    presence.restore(device.data)
    counters.restore(device.data.deviceId, state)
  }
  for (const record of records) {
    const { kind, value, bytes } = record
    lastMs = Date.parse(value.receivedAt)
    if (kind === 'telemetry') fleet.applyTelemetry(value, bytes)
    else fleet.applyStatus(value, bytes)
    if (kind === 'telemetry' && !isSample(record)) continue
    presence.learn(value)
    counters.count(value.deviceId, 'stored')
    if (kind === 'telemetry' && value.seq !== undefined) counters.sequence(value.deviceId, value.seq)
  }
  return lastMs
}

/** Counts what is stored again after a failure: it was unknown whether the last messages were stored. */
export function recountStored(counters: Counters, { devices, records }: Restored) {
  counters.beginRecount()
  for (const { deviceId, state } of devices) counters.restore(deviceId, state)
  for (const record of records) if (record.kind === 'status' || isSample(record)) counters.count(record.value.deviceId, 'stored')
}
