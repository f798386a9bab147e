/** The parts of a list setting: separated by commas or spaces. */
export function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean)
}
