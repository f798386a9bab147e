// Applies the records of the common log to the rooms of one replica: `../ingest/ingest.ts` is the way of a message to
// the log, this is the way after it. Every event gets the number of its record, and so the same id on every replica.
import { DeviceStateSchema } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { isOlder, isUndated, presenceChangeOf } from '#shared/device/device-state'
import type { Labels } from '#shared/device/device-scope'
import type { Accounts } from '../auth/contract'
import type { Counters } from '../fleet/counters'
import type { Fleet, Outcome } from '../fleet/fleet'
import type { PresenceWatch } from '../fleet/presence/presence'
import { FORGOTTEN } from '../leitstand/device-deletion'
import type { DeviceDeletion } from '../leitstand/device-deletion'
import type { Documents } from '../history/documents'
import { isSample } from '../history/engine/records'
import type { Hub } from '../stream/hub'
import type { Registry } from '../registry/contract'
import type { Loaded } from './replica-state'
import type { LogRecord } from './log-codec'

/** This many records from before the start are stored for clients that come from another replica. */
const REMEMBERED = 20_000

export interface LogApplierParts {
  fleet: Fleet
  presence: PresenceWatch
  counters: Counters
  hub: Hub
  registry: Registry
  accounts: Accounts
  forgetting: DeviceDeletion
  documents: Pick<Documents, 'bytes'>
}

export function createLogApplier({ fleet, presence, counters, hub, registry, accounts, forgetting, documents }: LogApplierParts) {
  /** The record that is being published. */
  let current = 0
  /** Old records are not published. */
  let isQuiet = false
  let isLoading = false
  /** Where devices were before their last change. */
  const moved = new Map<string, Labels>()

  function publish(type: 'telemetry' | 'state' | 'presence', { text }: LogRecord, deviceId: string, outcome: Outcome) {
    if (outcome.kind === 'changed' && !isQuiet) hub.publish(type, deviceId, text)
  }

  function takeTelemetry(record: LogRecord & { kind: 'telemetry' | 'replayed' }, bytes: number) {
    const { value } = record
    const held = fleet.findRecord(value.deviceId)
    const published = held && held.metrics > 0 && isOvertaken(value, held.lastTelemetry)
      ? { ...value, late: true }
      : value
    const outcome = fleet.applyTelemetry(published, bytes)
    const entry = published === value ? record : { ...record, text: JSON.stringify(published) }
    publish('telemetry', entry, value.deviceId, outcome)
  }

  function takeMessage(record: LogRecord & { kind: 'telemetry' | 'replayed' | 'status' }) {
    const { value, bytes } = record
    const { deviceId } = value
    if (record.kind === 'status') publish('state', record, deviceId, fleet.applyStatus(record.value, bytes))
    else takeTelemetry(record, bytes)
    // Published again as the newest: it was counted the first time.
    if (record.kind === 'telemetry' && !isSample(record)) return
    if (isLoading) presence.learn(value)
    else presence.take(value, Date.parse(value.receivedAt))
    if (record.kind === 'replayed') return
    counters.count(deviceId, 'stored')
    if (record.kind === 'telemetry' && record.value.seq !== undefined) counters.sequence(deviceId, record.value.seq)
  }

  function takeDocument(kind: string, name: string) {
    const bytes = documents.bytes(kind, name)
    const body = bytes && Buffer.from(bytes).toString()
    if (kind === FORGOTTEN) {
      const published = forgetting.follow(name, body)
      if (published) hub.publish(published.type, name, published.data)
    }
    else if (registry.follow(kind, name, body)) {
      const from = moved.get(name)
      moved.delete(name)
      const device = registry.get(name)
      if (from) hub.publish('device', name, JSON.stringify(device), { from, to: device })
    }
    else {
      accounts.follow(kind, name, body)
    }
  }

  function take(record: LogRecord) {
    current = record.id
    switch (record.kind) {
      case 'telemetry': case 'status': case 'replayed': return takeMessage(record)
      case 'presence':
        presence.follow(record.value)
        return publish('presence', record, record.value.deviceId, fleet.applyPresence(record.value))
      case 'document': return takeDocument(record.value.kind, record.value.name)
    }
  }

  return {
    current: () => current,
    /** A document of a device has changed: that is published with its record. */
    note(deviceId: string, before: Labels) {
      if (!moved.has(deviceId)) moved.set(deviceId, before)
    },
    /** Restores the fleet from what was read on opening; `position`: the last record of that. */
    load({ devices, records }: Loaded, position: number) {
      for (const { state } of devices) {
        const device = DeviceStateSchema.safeParse(state)
        if (!device.success) continue
        fleet.restore(device.data, JSON.stringify(device.data).length)
        presence.restore(device.data)
        counters.restore(device.data.deviceId, state)
      }
      // Documents are read as they are now.
      const messages = records.filter(({ kind }) => kind !== 'document')
      const begin = Math.max(0, messages.length - REMEMBERED)
      hub.begin((messages[begin]?.id ?? position + 1) - 1)
      isLoading = true
      for (const [i, record] of messages.entries()) {
        isQuiet = i < begin
        take(record)
      }
      isQuiet = isLoading = false
      hub.passed(position)
      hub.flush()
      current = position
      // The leader's decision holds, not this replica's.
      for (const device of fleet.all()) {
        const reported = presenceChangeOf(device)
        if (reported) presence.follow(reported)
      }
    },
    take,
  }
}
/**
 * Two messages of one device may reach two replicas and be stored in the other order: then the device's times decide.
 */
const OVERTAKEN_MS = 1_000

function isOvertaken(telemetry: Telemetry, held: Telemetry): boolean {
  if (telemetry.late !== undefined || telemetry.replayed || !isOlder(telemetry.ts, held.ts)) return false
  if (isUndated(telemetry) || isUndated(held) || (telemetry.seq ?? 0) > (held.seq ?? 0)) return false
  return Math.abs(Date.parse(held.receivedAt) - Date.parse(telemetry.receivedAt)) <= OVERTAKEN_MS
}

export type LogApplier = ReturnType<typeof createLogApplier>
