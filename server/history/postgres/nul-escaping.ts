/**
 * Names as PostgreSQL can keep them: it knows no U+0000 and no half of a surrogate pair, which a name out of JSON may hold. Those
 * (and what looks like one of them) are kept as JSON text.
 */
export function escapeNul(name: string): string {
  return name.isWellFormed() && !name.includes('\0') && !name.startsWith('"') ? name : JSON.stringify(name)
}

/** The inverse of {@link escapeNul}. */
export function unescapeNul(kept: unknown): string {
  const text = String(kept)
  return text.startsWith('"') ? String(JSON.parse(text)) : text
}
