import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csvText, defused, restored } from '#shared/text/spreadsheet'

const RUN = /^[\s\p{Cc}\p{Cf}"]*[=+\-@]/u
/** What some spreadsheet takes for cells of a line: it may split at any of these, and take off quotes. */
const cells = (text: string) => text.split(/[,;\t\r\n\v\f\u0085\u2028\u2029]/)
const wouldRun = (text: string) => cells(text).some(cell => RUN.test(cell.normalize('NFKC').replaceAll('−', '-')))

/** Texts in which every second character is one that matters. */
const odd = fc.string({
  unit: fc.oneof(
    fc.constantFrom('=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '⁺', '−', ',', ';', '\t', '\r', '\n', '"', '\'', ' ', '\u00A0', '\u200B', '\uFEFF', '\u2028', '\0', '5', '.', 'e', 'a'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 30,
})

describe('a text in a file for spreadsheets', () => {
  it.each([
    ['=1+2', '\'=1+2'],
    ['@SUM(2)', '\'@SUM(2)'],
    ['+4917', '\'+4917'],
    ['-2-2', '\'-2-2'],
    ['-5', '\'-5'],
    ['-5.25e3', '\'-5.25e3'],
    ['-cmd|x', '\'-cmd|x'],
    ['-7+cmd|\' /C notepad\'!A1', '\'-7+cmd|\' /C notepad\'!A1'],
    ['＝1+2', '\'＝1+2'],
    ['－5', '\'－5'],
    ['−5', '\'−5'],
    [' =1', '\' =1'],
    ['\t=1', '\'\t\'=1'],
    ['\r\n@x', '\'\r\n\'@x'],
    ['open;=1+2', 'open;\'=1+2'],
    ['a, -2', 'a,\' -2'],
    ['a\n=1', 'a\n\'=1'],
    ['a;"=1+2"', 'a;\'"=1+2"'],
    ['\'=1', '\'\'=1'],
    ['tab\there', 'tab\there'],
    ['21-22', '21-22'],
    ['a=b', 'a=b'],
    ['it\'s', 'it\'s'],
    ['', ''],
  ])('%j is written as %j', (text, safe) => {
    expect(defused(text)).toBe(safe)
    expect(restored(safe)).toBe(text)
  })

  it('is run by no spreadsheet wherever that begins a cell, and can be restored', () => {
    fc.assert(fc.property(odd, (text) => {
      const safe = defused(text)
      expect(wouldRun(safe)).toBe(false)
      expect(/^[\t\r\n]/.test(safe)).toBe(false)
      expect(restored(safe)).toBe(text)
      // The cell as it stands in the file, for those who split without regard to quotes.
      expect(wouldRun(csvText(text))).toBe(false)
      expect(restored(uncell(csvText(text)))).toBe(text)
    }), { numRuns: 5_000 })
  })

  it('is quoted where it would not be read as this one text', () => {
    expect(['plain', 'two words', '22 °C'].map(csvText)).toEqual(['plain', 'two words', '22 °C'])
    expect(['a"b', 'a,b', 'a;b', 'a\nb', '5', '1.5', '1e5', 'true', ' x', '=1'].map(csvText))
      .toEqual(['"a""b"', '"a,b"', '"a;b"', '"a\nb"', '"5"', '"1.5"', '"1e5"', '"true"', '" x"', '"\'=1"'])
  })

  it('of many separators takes no longer for each of them', () => {
    const text = `${';\t '.repeat(300_000)}=1`
    expect(defused(text).length).toBeGreaterThan(text.length)
  })
})

/** What RFC 4180 makes of a cell. */
function uncell(cell: string): string {
  return cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell
}
