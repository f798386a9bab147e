// Values as they are stored, and as clients get them. A whole number with more digits than a double has is a `bigint`
// here and a text outside; `null` is "no value now", which messages list beside their metrics.
import type { LatestValue } from '#shared/schemas/device'
import type { MetricValue, Telemetry } from '#shared/schemas/telemetry'

export type StoredValue = MetricValue | bigint | null

/** Values in a row as JSON: at the positions `e` stand the digits of whole numbers. */
export interface ValueColumn { v: MetricOrNull[], e?: number[] }
export type MetricOrNull = MetricValue | null

type MessageMetrics = Pick<Telemetry, 'metrics' | 'exact' | 'absent'>

const WHOLE = /^-?\d+$/

/** The metrics of a message as they are stored. */
export function storedMetrics({ metrics, exact, absent }: MessageMetrics): Record<string, StoredValue> {
  if (!exact && !absent) return metrics
  const stored: Record<string, StoredValue> = { ...metrics }
  for (const name of exact ?? []) {
    const digits = metrics[name]
    if (typeof digits === 'string' && WHOLE.test(digits)) stored[name] = BigInt(digits)
  }
  for (const name of absent ?? []) stored[name] = null
  return stored
}

/** The inverse of {@link storedMetrics}. */
export function readMetrics(stored: Readonly<Record<string, StoredValue>>): MessageMetrics {
  const metrics: Telemetry['metrics'] = {}
  const exact: string[] = []
  const absent: string[] = []
  for (const name in stored) {
    const value = toMetricValue(stored[name] ?? null)
    if (value === null) absent.push(name)
    else metrics[name] = value
    if (typeof stored[name] === 'bigint') exact.push(name)
  }
  return { metrics, ...(exact.length > 0 && { exact }), ...(absent.length > 0 && { absent }) }
}

/** A value as clients get it. */
export function toMetricValue(value: StoredValue): MetricOrNull {
  return typeof value === 'bigint' ? String(value) : value
}

export function toLatest(value: StoredValue, ts: string): LatestValue {
  return typeof value === 'bigint' ? { value: String(value), ts, exact: true } : { value, ts }
}

/** The number in a value that can be drawn and averaged. */
export function numberIn(value: StoredValue): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'bigint') return undefined
  const rounded = Number(value)
  return Number.isFinite(rounded) ? rounded : undefined
}

export function toColumn(values: readonly StoredValue[]): ValueColumn {
  const exact = values.flatMap((value, i) => typeof value === 'bigint' ? [i] : [])
  return { v: values.map(toMetricValue), ...(exact.length > 0 && { e: exact }) }
}

export function fromColumn({ v, e }: ValueColumn): StoredValue[] {
  if (!e) return v
  const values: StoredValue[] = [...v]
  for (const i of e) values[i] = BigInt(String(v[i]))
  return values
}
