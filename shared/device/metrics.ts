import type { MetricProfile } from '#shared/schemas/profile'
import type { MetricValue } from '#shared/schemas/telemetry'

/** Quantities of well-known metrics; each has a name in every language. */
export const QUANTITIES = [
  'temperature', 'humidity', 'battery', 'voltage', 'current', 'pressure', 'power', 'energy', 'co2', 'illuminance', 'signal',
] as const
type Quantity = typeof QUANTITIES[number]

export interface MetricKind {
  /** Symbol to set after a number. */
  unit?: string
  /** Only if the name contains nothing but the quantity: `tempC`, but not `boilerTempC`. */
  quantity?: Quantity
}

const NAMED: Record<string, MetricKind> = {
  tempc: { unit: '°C', quantity: 'temperature' },
  temp: { quantity: 'temperature' },
  temperature: { quantity: 'temperature' },
  temperaturec: { unit: '°C', quantity: 'temperature' },
  humidity: { unit: '%', quantity: 'humidity' },
  humiditypct: { unit: '%', quantity: 'humidity' },
  battery: { unit: '%', quantity: 'battery' },
  batterypct: { unit: '%', quantity: 'battery' },
  batteryv: { unit: 'V', quantity: 'battery' },
  voltagev: { unit: 'V', quantity: 'voltage' },
  currenta: { unit: 'A', quantity: 'current' },
  pressurehpa: { unit: 'hPa', quantity: 'pressure' },
  powerw: { unit: 'W', quantity: 'power' },
  energykwh: { unit: 'kWh', quantity: 'energy' },
  co2: { unit: 'ppm', quantity: 'co2' },
  co2ppm: { unit: 'ppm', quantity: 'co2' },
  lux: { unit: 'lx', quantity: 'illuminance' },
  rssi: { unit: 'dBm', quantity: 'signal' },
  rssidbm: { unit: 'dBm', quantity: 'signal' },
}

/** The end of a camel-case name, longest first: `supplyHPa` is a pressure, not a current. */
const SUFFIXES: [RegExp, string][] = [
  [/[a-z0-9_](?:KWh|kWh)$/, 'kWh'],
  [/[a-z0-9_](?:hPa|HPa)$/, 'hPa'],
  [/[a-z0-9_](?:ppm|Ppm)$/, 'ppm'],
  [/[a-z0-9_](?:dBm|Dbm)$/, 'dBm'],
  [/[a-z0-9_]Pct$/, '%'],
  [/[a-z0-9_]Lux$/, 'lx'],
  [/[a-z0-9_](?:Rssi|RSSI)$/, 'dBm'],
  [/[a-z0-9_]kW$/, 'kW'],
  [/[a-z_]C$/, '°C'],
  [/[a-z0-9_]W$/, 'W'],
  [/[a-z_]V$/, 'V'],
]

/** `tempC` -> temperature in °C, `supplyV` -> V; other names have neither unit nor quantity. */
export function metricKind(name: string): MetricKind {
  const lower = name.toLowerCase()
  if (Object.hasOwn(NAMED, lower)) return NAMED[lower] ?? {}
  const unit = SUFFIXES.find(([suffix]) => suffix.test(name))?.[1]
  return unit ? { unit } : {}
}

/**
 * The unit of the profile, else the one from the name; only numbers have one. `isExact`: the text is a whole number.
 */
export function unitOf(name: string, value: MetricValue, own?: MetricProfile, isExact = false): string | undefined {
  return typeof value === 'number' || isExact ? own?.unit ?? metricKind(name).unit : undefined
}
