import { defused } from '#shared/text/spreadsheet'

/** A line to be copied: what it is called, what it says, and when. */
export interface CopiedLine {
  readonly label: string
  readonly text: string
  readonly time: string
  /** A negative number is no formula. */
  readonly isNumber: boolean
}

/**
 * What a device says as text: its name, then a line a value, in columns that a spreadsheet takes as such and of which
 * it runs none.
 */
export function copiedValues(name: string, lines: readonly CopiedLine[]): string {
  const value = ({ text, isNumber }: CopiedLine) => isNumber ? plain(text) : defused(plain(text))
  const row = (line: CopiedLine) => [defused(plain(line.label)), value(line), plain(line.time)].join('\t')
  return [defused(plain(name)), ...lines.map(row)].join('\n')
}

/** One line, with spaces that everything knows. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}
