import { TelemetryMessageSchema } from '#shared/schemas/telemetry'
import type { Telemetry, TelemetryMessage } from '#shared/schemas/telemetry'
import { isOrdinaryCount, isOrdinaryMetrics, isOrdinaryTime } from '#shared/device/ordinary'
import { restoreWholeNumbers } from './whole-numbers'

const MINUTES_END = '2025-11-02T12:00'.length

/** Where a message is wrong, and what the schema says about it. */
export interface MessageFault { path: PropertyKey[], message: string }

/** A message with its values, and the names that have none. */
export type ReadMessage = Omit<TelemetryMessage, 'metrics'> & Pick<Telemetry, 'metrics' | 'exact' | 'absent'>

type Checked = { data: ReadMessage } | { fault: MessageFault }

/**
 * A parsed message, or its first fault; `text` is the JSON that it was parsed from. The caller checks names and
 * lengths, the names before: parsed objects may be changed here.
 */
export function checkMessage(message: Record<string, unknown>, text: string): Checked {
  if (isOrdinary(message)) return { data: message }
  const exact = restoreWholeNumbers(message.metrics, text)
  if (!exact) return { fault: { path: [], message: '' } }
  const parsed = TelemetryMessageSchema.safeParse(message)
  if (!parsed.success) {
    const { path = [], message: words = '' } = parsed.error.issues[0] ?? {}
    return { fault: { path, message: words } }
  }
  const { metrics: values, ...rest } = parsed.data
  const metrics: ReadMessage['metrics'] = {}
  const absent: string[] = []
  for (const [name, value] of Object.entries(values)) {
    if (value === null) absent.push(name)
    else metrics[name] = value
  }
  return { data: { ...rest, metrics, ...(exact.length > 0 && { exact }), ...(absent.length > 0 && { absent }) } }
}

/**
 * Whether a message is certainly one that {@link TelemetryMessageSchema} accepts and leaves unchanged. Nearly all
 * are, and running the schema costs many times as much. The schema decides the others; a test compares both.
 */
export function isOrdinary(message: Record<string, unknown>): message is ReadMessage & Record<string, unknown> {
  for (const key in message) {
    if (!isOrdinaryField(key, message[key])) return false
  }
  return message.metrics !== undefined
}

function isOrdinaryField(key: string, value: unknown): boolean {
  switch (key) {
    // Beyond this a number may not be the one that was sent.
    case 'metrics': return isOrdinaryMetrics(value, Number.MAX_SAFE_INTEGER)
    // With seconds: only then it is RFC 3339 as well.
    case 'ts': return isOrdinaryTime(value) && String(value)[MINUTES_END] === ':'
    case 'seq': return isOrdinaryCount(value)
    case 'deviceId': return typeof value === 'string'
    default: return false
  }
}
