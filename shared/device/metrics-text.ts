import type { Telemetry } from '#shared/schemas/telemetry'

/**
 * The metrics of a message as the device wrote them: JSON with large whole numbers, and `null` for a metric without a
 * value.
 */
export function metricsText({ metrics, exact = [], absent = [] }: Telemetry): string {
  const isWhole = new Set(exact)
  const fields = Object.entries(metrics).map(([name, value]) => field(
    name,
    isWhole.has(name) ? String(value) : JSON.stringify(value),
  ))
  return `{${[...fields, ...absent.map(name => field(name, 'null'))].join()}}`
}

function field(name: string, text: string): string {
  return `${JSON.stringify(name)}:${text}`
}
