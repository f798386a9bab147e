import type { MetricValue } from '#shared/schemas/telemetry'
import type { ExportQuery } from '#shared/schemas/history'
import { fromMicroseconds } from '#shared/utils/time'
import type { History } from './history/contract'

interface Row { time: number, metric: string, value: MetricValue }

/** Every sample of a device in a range as text, an hour at a time, and how many messages they come from. */
export function exportLines(history: History, deviceId: string, { format, metric, from, to }: Pick<ExportQuery, 'format' | 'metric'> & { from: number, to: number }) {
  // One sorted run is simpler than two: what is not packed yet is packed first.
  history.packAll(deviceId)
  const { archive, device } = history.read()
  const id = device(deviceId) ?? -1
  const toLine = format === 'csv' ? toCsvLine : toJsonLine

  async function* lines() {
    if (format === 'csv') yield 'time,metric,value\n'
    for (const rows of archive.export(id, from, to)) {
      const wanted = metric === undefined ? rows : rows.filter(row => row.metric === metric)
      if (wanted.length > 0) yield wanted.map(toLine).join('')
      // A long export leaves room for the stream between two hours.
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  return { messages: archive.countMessages(id, from, to), lines: lines() }
}

function toJsonLine({ time, metric, value }: Row): string {
  return `${JSON.stringify({ time: fromMicroseconds(time), metric, value })}\n`
}

function toCsvLine({ time, metric, value }: Row): string {
  return `${fromMicroseconds(time)},${csvField(metric)},${csvField(String(value))}\n`
}

/** RFC 4180; a leading formula sign is defused, because spreadsheets would run it. */
function csvField(text: string): string {
  const safe = /^[=+@\t\r]|^-(?![\d.])/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
