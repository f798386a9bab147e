import { describe, expect, it } from 'vitest'
import { metricKind, unitOf } from '#shared/device/metrics'

describe('unitOf', () => {
  it.each([
    ['tempC', '°C'], ['boilerTempC', '°C'], ['humidity', '%'], ['levelPct', '%'], ['batteryV', 'V'], ['supplyV', 'V'],
    ['pressureHPa', 'hPa'], ['airhPa', 'hPa'], ['loadW', 'W'], ['gridkW', 'kW'], ['meterKWh', 'kWh'], ['vocPpm', 'ppm'],
    ['co2', 'ppm'], ['lux', 'lx'], ['rssi', 'dBm'], ['loraRssi', 'dBm'],
  ])('%s is measured in %s', (name, unit) => {
    expect(unitOf(name, 1)).toBe(unit)
  })

  it.each(['count', 'C', 'V', 'DVC', 'UV', 'constructor', '__proto__', ''])('%j says nothing of a unit', (name) => {
    expect(unitOf(name, 1)).toBeUndefined()
  })

  it('gives no unit to texts and booleans', () => {
    expect(unitOf('tempC', 'broken')).toBeUndefined()
    expect(unitOf('batteryV', true)).toBeUndefined()
  })
})

describe('metricKind', () => {
  it('names the quantity only where the name says nothing more', () => {
    expect(metricKind('tempC').quantity).toBe('temperature')
    expect(metricKind('boilerTempC').quantity).toBeUndefined()
  })
})
