/** The words of a search, in lower case; none for an empty search. */
export function searchWords(query: string): string[] {
  return query.toLowerCase().split(/\s+/).filter(Boolean)
}
