import type { ExportQuery } from '#shared/schemas/history'
import { fromMicroseconds } from '#shared/utils/time'
import type { ExportedSample } from './history/archive'
import type { History } from './history/contract'

/** Every sample of a device in a range as text, an hour at a time, and how many messages they come from. */
export async function exportLines(history: History, deviceId: string, { format, metric, from, to }: Pick<ExportQuery, 'format' | 'metric'> & { from: number, to: number }) {
  const { messages, hours } = await history.export(deviceId, from, to)
  const toLine = format === 'csv' ? toCsvLine : toJsonLine

  async function* lines() {
    if (format === 'csv') yield 'time,metric,value\n'
    for await (const rows of hours) {
      const wanted = metric === undefined ? rows : rows.filter(row => row.metric === metric)
      if (wanted.length > 0) yield wanted.map(toLine).join('')
      // A long export leaves room for the stream between two hours.
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  return { messages, lines: lines() }
}

function toJsonLine({ time, metric, value }: ExportedSample): string {
  return `${JSON.stringify({ time: fromMicroseconds(time), metric, value })}\n`
}

function toCsvLine({ time, metric, value }: ExportedSample): string {
  return `${fromMicroseconds(time)},${csvField(metric)},${csvField(String(value))}\n`
}

/** RFC 4180; a leading formula sign is defused, because spreadsheets would run it. */
function csvField(text: string): string {
  const safe = /^[=+@\t\r]|^-(?![\d.])/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
