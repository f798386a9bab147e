import { defused } from '#shared/text/spreadsheet'

/** A line to be copied: name, value and time. */
export interface CopiedLine {
  readonly label: string
  readonly text: string
  readonly time: string
  /** A negative number is no formula. */
  readonly isNumber: boolean
}

/**
 * The values of a device as text: its name, then one line per value, in columns that a spreadsheet splits and none of
 * which it runs.
 */
export function copiedValues(name: string, lines: readonly CopiedLine[]): string {
  const value = ({ text, isNumber }: CopiedLine) => isNumber ? plain(text) : defused(plain(text))
  const row = (line: CopiedLine) => [defused(plain(line.label)), value(line), plain(line.time)].join('\t')
  return [defused(plain(name)), ...lines.map(row)].join('\n')
}

/** One line, with plain spaces only. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}
