import { describe, expect, it } from 'vitest'
import { isShortText } from '#shared/text/short-text'

describe('a short text', () => {
  it.each(['', '21.34 °C', '1,234.5 W', '−17.6 °C', 'Open', 'überfällig', 'bench-0001', '55 %', 'klima-buero'])('is %j', (text) => {
    expect(isShortText(text)).toBe(true)
  })

  it.each(['a longer name', 'WWWWWWW', '1785045600123456', '漢字漢字', 'two\nlines', 'x'.repeat(14)])('is not %j', (text) => {
    expect(isShortText(text)).toBe(false)
  })
})
