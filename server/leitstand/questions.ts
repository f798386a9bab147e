// Queries for the past, answered from the history (and without one, from memory).
import type { DeviceState, LatestValue, RecentMessages as MessagesAnswer } from '#shared/schemas/device'
import type { HistoryAnswer, HistoryQuery } from '#shared/schemas/history'
import type { MetricProfile } from '#shared/schemas/profile'
import type { Sparklines } from '#shared/schemas/sparkline'
import { metricKind } from '#shared/device/metrics'
import { fromMicroseconds, toMicroseconds } from '#shared/time/time'
import type { Fleet } from '../fleet/fleet'
import type { RecentMessages } from '../fleet/recent-messages'
import type { History } from '../history/contract'
import { fromStored } from '../history/engine/records'
import type { Registry } from '../registry/contract'

const DEFAULT_RANGE_MS = 86_400_000

/** The range asked for in microseconds since 1970; by default the last 24 hours. */
export function rangeOf(range: { from?: string | undefined, to?: string | undefined }) {
  const to = range.to ?? new Date().toISOString()
  const from = range.from ?? new Date(Date.parse(to) - DEFAULT_RANGE_MS).toISOString()
  return { from: toMicroseconds(from), to: toMicroseconds(to) }
}

/** Answers a question about one metric. */
export function answerHistory(history: History, registry: Registry, deviceId: string, { metric, points, resolution, limit, ...range }: HistoryQuery): Promise<HistoryAnswer> {
  const question = { deviceId, metric, unit: metricOf(registry, deviceId, metric)?.unit ?? metricKind(metric).unit ?? null, ...rangeOf(range) }
  return resolution === 'raw' ? history.raw(question, limit) : history.thinned(question, points)
}

/** A page of messages, newest first; messages of the same microsecond are never torn apart. */
export async function answerMessages(history: History | undefined, recent: RecentMessages, deviceId: string, limit: number, before?: string): Promise<MessagesAnswer> {
  if (!history?.isOpen()) return { deviceId, messages: before ? [] : recent.of(deviceId).slice(0, limit), next: null }
  const found = await history.messagesBefore(deviceId, before ? toMicroseconds(before) : Infinity, limit + 1)
  const last = found[limit - 1]
  const page = last ? found.filter((message, i) => i < limit || message.time === last.time) : found
  return {
    deviceId,
    messages: page.map(message => fromStored(deviceId, message)),
    next: last && found.length > page.length ? fromMicroseconds(last.time) : null,
  }
}

function metricOf(registry: Registry, deviceId: string, metric: string): MetricProfile | undefined {
  const { metrics } = registry.get(deviceId)
  return metrics && Object.hasOwn(metrics, metric) ? metrics[metric] : undefined
}

/** Small lines of the last hour (before `at`) of the first numeric metric of each device that has one that is shown. */
export async function answerSparklines(history: History, registry: Registry, fleet: Fleet, deviceIds: readonly string[], at?: string): Promise<Sparklines> {
  const now = at === undefined ? Date.now() * 1000 : toMicroseconds(at)
  const lines = await Promise.all(deviceIds.map(async (deviceId): Promise<[string, Sparklines[string]][]> => {
    const line = await sparklineOf(history, registry, fleet.get(deviceId), now)
    return line ? [[deviceId, line]] : []
  }))
  return Object.fromEntries(lines.flat())
}

type Sparkline = Sparklines[string]

async function sparklineOf(
  history: History, registry: Registry, device: DeviceState | undefined, now: number,
): Promise<Sparkline | undefined> {
  if (!device) return undefined
  for (const [metric, latest] of Object.entries(device.values)) {
    if (!mayBeNumber(latest) || metricOf(registry, device.deviceId, metric)?.hidden) continue
    try {
      const line = await history.sparkline(device.deviceId, metric, now)
      if (line.points.length > 0) return { metric, ...line }
    }
    catch (error) {
      // What is damaged of one device must not take the lines of the others with it.
      if (!history.isOpen()) throw error
    }
    // For a metric without a present value only the past shows whether it is a number.
    if (latest.value !== null) return undefined
  }
  return undefined
}

function mayBeNumber({ value, exact }: LatestValue): boolean {
  return value === null || exact === true || typeof value === 'number'
}
