// Owns the two documents that describe Leitstand to programs: OpenAPI (HTTP) and AsyncAPI (MQTT, event stream). Promises
// that every shape in them is one of the Zod schemas. Never describes a shape a second time, never knows Nitro.
import { z } from 'zod'
import * as access from '#shared/schemas/access'
import * as counters from '#shared/schemas/counters'
import * as device from '#shared/schemas/device'
import * as doctor from '#shared/schemas/doctor'
import * as error from '#shared/schemas/error'
import * as events from '#shared/schemas/events'
import * as health from '#shared/schemas/health'
import * as history from '#shared/schemas/history'
import * as profile from '#shared/schemas/profile'
import * as refusal from '#shared/schemas/refusal'
import * as registry from '#shared/schemas/registry'
import * as rejection from '#shared/schemas/rejection'
import * as sparkline from '#shared/schemas/sparkline'
import * as storage from '#shared/schemas/storage'
import * as telemetry from '#shared/schemas/telemetry'
import * as topics from '#shared/schemas/topics'

/** `leitstand/status`: plain text rather than JSON, so no schema of `shared/` describes it. */
const ApplicationStatusSchema = z.enum(['online', 'offline'])

const EXPORTS = { ...access, ...telemetry, ...counters, ...device, ...doctor, ...error, ...events, ...health, ...history, ...profile, ...refusal, ...registry, ...rejection, ...sparkline, ...storage, ...topics, ApplicationStatusSchema }
type Exports = typeof EXPORTS

const EVENT_NAMES = {
  snapshot: 'SnapshotEvent',
  telemetry: 'TelemetryEvent',
  state: 'StateEvent',
  presence: 'PresenceEvent',
  broker: 'BrokerEvent',
  device: 'DeviceEvent',
  forgotten: 'ForgottenEvent',
  withdrawn: 'WithdrawnEvent',
  batch: 'BatchEvent',
  states: 'StatesEvent',
  resumed: 'ResumedEvent',
  subscribed: 'SubscribedEvent',
  heartbeat: 'HeartbeatEvent',
  coalesced: 'CoalescedEvent',
  clock: 'ClockEvent',
  pong: 'PongEvent',
  error: 'ErrorEvent',
} as const satisfies Record<events.StreamEvent['type'], string>

/** `Telemetry` for `TelemetrySchema`. */
export type SchemaName = keyof Exports extends infer Key ? Key extends `${infer Name}Schema` ? Name : never : never
export type ComponentName = SchemaName | (typeof EVENT_NAMES)[keyof typeof EVENT_NAMES]
export type InputOf<Name extends SchemaName> = `${Name}Schema` extends infer Key extends keyof Exports
  ? Exports[Key] extends z.ZodType ? z.input<Exports[Key]> : never
  : never

export type JsonSchemas = Record<string, z.core.JSONSchema.BaseSchema>

/** Every schema that may appear in a document, by its name there. */
export const COMPONENTS: ReadonlyMap<string, z.ZodType> = new Map([...namedSchemas(), ...namedEvents()])

/** Where a document keeps the shape of this name. */
export function schemaRef(name: ComponentName) {
  return { $ref: refTo(name) }
}

/** The component that holds the events of one type. */
export function eventName(type: keyof typeof EVENT_NAMES) {
  return EVENT_NAMES[type]
}

/** Those of `schemas` that `part` refers to, itself or through another, by name. */
export function referredSchemas(part: unknown, schemas: JsonSchemas): JsonSchemas {
  const found = new Map<string, JsonSchemas[string]>()
  function follow(from: unknown) {
    for (const [, name = ''] of JSON.stringify(from).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)) {
      const schema = schemas[name]
      if (!schema || found.has(name)) continue
      found.set(name, schema)
      follow(schema)
    }
  }
  follow(part)
  return Object.fromEntries([...found].sort(([a], [b]) => a.localeCompare(b)))
}

/** Where a document keeps the schema of this name. */
export function refTo(name: string): string {
  return `#/components/schemas/${name}`
}

function namedSchemas(): [string, z.ZodType][] {
  return Object.entries(EXPORTS).flatMap(([name, value]) => value instanceof z.ZodType ? [[name.replace(/Schema$/, ''), value]] : [])
}

function namedEvents(): [string, z.ZodType][] {
  return events.StreamEventSchema.options.map(option => [eventName(option.shape.type.value), option])
}
