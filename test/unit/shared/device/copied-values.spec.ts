import { describe, expect, it } from 'vitest'
import { copiedValues } from '#shared/device/copied-values'

describe('copiedValues', () => {
  it('is plain text in columns, a line a value', () => {
    const lines = [
      { label: 'Temperature', text: '22.4\u00A0°C', time: '14 Nov 2026, 03:12:45', isNumber: true },
      { label: 'note', text: 'two\nlines\tand a tab', time: '14 Nov 2026, 03:12:45', isNumber: false },
    ]
    expect(copiedValues('Ramp (tor-1)', lines)).toBe('Ramp (tor-1)\nTemperature\t22.4 °C\t14 Nov 2026, 03:12:45\nnote\ttwo lines and a tab\t14 Nov 2026, 03:12:45')
  })

  it('has no cell that a spreadsheet would run, and leaves numbers alone', () => {
    const lines = [{ label: '=1+2', text: '-2-2', time: 'now', isNumber: false }, { label: 'tempC', text: '-5.2 °C', time: 'now', isNumber: true }]
    expect(copiedValues('@gate', lines)).toBe('\'@gate\n\'=1+2\t\'-2-2\tnow\ntempC\t-5.2 °C\tnow')
  })
})
