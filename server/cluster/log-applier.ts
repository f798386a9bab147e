// What becomes of the records of the common log in the rooms of one replica: the way of a message behind the store, as `../ingest.ts`
// is the way to it. Everything that viewers are told is numbered by its record, and so has the same name at every replica.
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

/** So many records from before the start are remembered for viewers that come from another replica. */
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
  /** The record that is being told. */
  let current = 0
  /** Of what has been long ago nobody is told. */
  let isQuiet = false
  let isLoading = false
  /** Where devices belonged before something else was said of them. */
  const moved = new Map<string, Labels>()

  function tell(type: 'telemetry' | 'state' | 'presence', { text }: LogRecord, deviceId: string, outcome: Outcome) {
    if (outcome.kind === 'changed' && !isQuiet) hub.publish(type, deviceId, text)
  }

  function takeTelemetry(record: LogRecord & { kind: 'telemetry' | 'replayed' }, bytes: number) {
    const { value } = record
    const held = fleet.findKept(value.deviceId)
    const told = held && held.metrics > 0 && isOvertaken(value, held.lastTelemetry) ? { ...value, late: true } : value
    const outcome = fleet.applyTelemetry(told, bytes)
    tell('telemetry', told === value ? record : { ...record, text: JSON.stringify(told) }, value.deviceId, outcome)
  }

  function takeMessage(record: LogRecord & { kind: 'telemetry' | 'replayed' | 'status' }) {
    const { value, bytes } = record
    const { deviceId } = value
    if (record.kind === 'status') tell('state', record, deviceId, fleet.applyStatus(record.value, bytes))
    else takeTelemetry(record, bytes)
    // Said again as the newest: it was heard and counted the first time.
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
      const told = forgetting.follow(name, body)
      if (told) hub.publish(told.type, name, told.data)
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
        return tell('presence', record, record.value.deviceId, fleet.applyPresence(record.value))
      case 'document': return takeDocument(record.value.kind, record.value.name)
    }
  }

  return {
    current: () => current,
    /** Something else is said of a device: it is told with the record that says so. */
    note(deviceId: string, before: Labels) {
      if (!moved.has(deviceId)) moved.set(deviceId, before)
    },
    /** The fleet as it is at the end of what was read on opening; `position`: the record up to which that is. */
    load({ devices, records }: Loaded, position: number) {
      for (const { state } of devices) {
        const device = DeviceStateSchema.safeParse(state)
        if (!device.success) continue
        fleet.restore(device.data, JSON.stringify(device.data).length)
        presence.restore(device.data)
        counters.restore(device.data.deviceId, state)
      }
      // The documents are read as they are now.
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
      // What the replica that leads has found holds, not what is made of it here.
      for (const device of fleet.all()) {
        const found = presenceChangeOf(device)
        if (found) presence.follow(found)
      }
    },
    take,
  }
}
/**
 * Messages of one device that come right after each other may reach two replicas, and be stored in the other order: then the times
 * of the device decide.
 */
const OVERTAKEN_MS = 1_000

function isOvertaken(telemetry: Telemetry, held: Telemetry): boolean {
  if (telemetry.late !== undefined || telemetry.replayed || !isOlder(telemetry.ts, held.ts)) return false
  if (isUndated(telemetry) || isUndated(held) || (telemetry.seq ?? 0) > (held.seq ?? 0)) return false
  return Math.abs(Date.parse(held.receivedAt) - Date.parse(telemetry.receivedAt)) <= OVERTAKEN_MS
}

export type LogApplier = ReturnType<typeof createLogApplier>
