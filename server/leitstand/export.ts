import type { ExportQuery } from '#shared/schemas/history'
import { localText } from '#shared/time/local-time'
import { unitOf } from '#shared/device/metrics'
import { csvText } from '#shared/text/spreadsheet'
import { fromMicroseconds } from '#shared/time/time'
import type { ExportedSample } from '../history/queries/export'
import type { History } from '../history/contract'
import { toMetricValue } from '../history/engine/values'
import type { Registry as WholeRegistry } from '../registry/contract'

type Registry = Pick<WholeRegistry, 'get'>

type ExportRequest = Pick<ExportQuery, 'format' | 'metric' | 'zone'> & { from: number, to: number }

/** A file: what stands before all lines, and the line of a sample. */
interface FileForm { readonly begin: string, readonly toLine: (sample: ExportedSample) => string }

/** So that Excel takes the file for UTF-8. */
const BYTE_ORDER_MARK = '\uFEFF'

/** Every sample of a device in a range as text, an hour at a time, and how many messages they come from. */
export async function exportLines(history: History, registry: Registry, deviceId: string, asked: ExportRequest) {
  const { metric, from, to } = asked
  const { messages, hours } = await history.export(deviceId, from, to)
  const { begin, toLine } = formOf(registry, deviceId, asked)

  async function* lines() {
    if (begin) yield begin
    for await (const rows of hours) {
      const wanted = metric === undefined ? rows : rows.filter(row => row.metric === metric)
      if (wanted.length > 0) yield wanted.map(toLine).join('')
      // A long export leaves room for the stream between two hours.
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  return { messages, lines: lines() }
}

function formOf(registry: Registry, deviceId: string, { format, zone }: ExportRequest): FileForm {
  if (format === 'jsonl') return JSON_LINES
  return format === 'csv' ? commas(registry, deviceId) : germanExcel(registry, deviceId, zone)
}

const JSON_LINES: FileForm = {
  begin: '',
  toLine({ time, metric, value }) {
    const line = {
      time: fromMicroseconds(time),
      metric,
      value: toMetricValue(value),
      ...(typeof value === 'bigint' && { exact: true }),
    }
    return `${JSON.stringify(line)}\n`
  },
}

function commas(registry: Registry, deviceId: string): FileForm {
  const headOf = describe(registry, deviceId, ',')
  return {
    begin: 'time,device,name,metric,unit,value\n',
    toLine: sample => `${fromMicroseconds(sample.time)},${headOf(sample)},${csvValue(sample)}\n`,
  }
}

/** Semicolons and decimal commas; beside the exact time one that this Excel takes for a time, to the second. */
function germanExcel(registry: Registry, deviceId: string, zone: string): FileForm {
  const headOf = describe(registry, deviceId, ';')
  return {
    begin: `${BYTE_ORDER_MARK}time;local time (${zone});device;name;metric;unit;value\r\n`,
    toLine(sample) {
      const value = typeof sample.value === 'number' ? csvValue(sample).replace('.', ',') : csvValue(sample)
      return `${fromMicroseconds(sample.time)};${germanTime(sample.time / 1_000, zone)};${headOf(sample)};${value}\r\n`
    },
  }
}

/** What stands beside every value of a metric: device, name, metric, unit. */
function describe(registry: Registry, deviceId: string, separator: string) {
  const { name = deviceId, metrics } = registry.get(deviceId)
  const known = new Map<string, string>()
  return ({ metric, value }: ExportedSample) => {
    const key = `${typeof value} ${metric}`
    const head = known.get(key)
    if (head !== undefined) return head
    const own = metrics && Object.hasOwn(metrics, metric) ? metrics[metric] : undefined
    const made = [deviceId, name, metric, unitOf(metric, typeof value === 'bigint' ? Number(value) : value ?? '', own) ?? ''].map(csvText).join(separator)
    known.set(key, made)
    return made
  }
}

/** Texts, and whole numbers that a spreadsheet would round, as texts; nothing where there was no value. */
function csvValue({ value }: ExportedSample): string {
  if (value === null) return ''
  return typeof value === 'string' || typeof value === 'bigint' ? csvText(String(value)) : String(value)
}

/** `25.10.2026 02:30:00` */
function germanTime(timeMs: number, zone: string): string {
  const local = localText(timeMs, zone)
  return `${local.slice(8, 10)}.${local.slice(5, 7)}.${local.slice(0, 4)} ${local.slice(11)}`
}
