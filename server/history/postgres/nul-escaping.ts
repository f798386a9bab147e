/**
 * Names that PostgreSQL can store: it accepts no U+0000 and no half of a surrogate pair, which a name from JSON may
 * contain. Those names (and names that look like an escaped one) are stored as JSON text.
 */
export function escapeNul(name: string): string {
  return name.isWellFormed() && !name.includes('\0') && !name.startsWith('"') ? name : JSON.stringify(name)
}

/** The inverse of {@link escapeNul}. */
export function unescapeNul(stored: unknown): string {
  const text = String(stored)
  return text.startsWith('"') ? String(JSON.parse(text)) : text
}
