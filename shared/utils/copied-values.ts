/** A line to be copied: what it is called, what it says, and when. */
export interface CopiedLine { readonly label: string, readonly text: string, readonly time: string }

/** What a device says as text: its name, then a line a value, in columns that a spreadsheet takes as such. */
export function copiedValues(name: string, lines: readonly CopiedLine[]): string {
  return [name, ...lines.map(({ label, text, time }) => [label, text, time].map(plain).join('\t'))].join('\n')
}

/** One line, with spaces that everything knows. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}
