import { describe, expect, it } from 'vitest'
import { copiedValues } from '#shared/utils/copied-values'

describe('copiedValues', () => {
  it('is plain text in columns, a line a value', () => {
    const lines = [
      { label: 'Temperature', text: '22.4\u00A0°C', time: '14 Nov 2026, 03:12:45' },
      { label: 'note', text: 'two\nlines\tand a tab', time: '14 Nov 2026, 03:12:45' },
    ]
    expect(copiedValues('Ramp (tor-1)', lines)).toBe('Ramp (tor-1)\nTemperature\t22.4 °C\t14 Nov 2026, 03:12:45\nnote\ttwo lines and a tab\t14 Nov 2026, 03:12:45')
  })
})
