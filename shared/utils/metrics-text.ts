import type { Telemetry } from '#shared/schemas/telemetry'

/** The metrics of a message as the device wrote them, as JSON: large whole numbers as such, and `null` where it had no value. */
export function metricsText({ metrics, exact = [], absent = [] }: Telemetry): string {
  const isWhole = new Set(exact)
  const said = Object.entries(metrics).map(([name, value]) => `${JSON.stringify(name)}:${isWhole.has(name) ? value : JSON.stringify(value)}`)
  return `{${[...said, ...absent.map(name => `${JSON.stringify(name)}:null`)].join()}}`
}
