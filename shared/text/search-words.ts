/** The words of a search, in lower case; none when nothing is looked for. */
export function searchWords(query: string): string[] {
  return query.toLowerCase().split(/\s+/).filter(Boolean)
}
