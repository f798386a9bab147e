// Text for files that spreadsheets open. They run what begins like a formula, in whatever they take for a cell: German
// Excel splits a
// file with commas at its semicolons, and quotes do not keep it from that. So an apostrophe goes in front of each such
// beginning, also
// inside a text, and can be taken away again.

/** Behind these some spreadsheet begins a new cell. */
const SEPARATORS = String.raw`,;\t\n\v\f\r\u0085\u2028\u2029`
/** What a spreadsheet may overlook at the beginning of a cell. */
const OVERLOOKED = String.raw`[[\p{White_Space}\p{Cc}\p{Cf}"']--[${SEPARATORS}]]*`
/** Signs that begin a formula or a negative number, and what becomes one of them when a text is normalised. */
const SIGNS = String.raw`[=+\-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋−]`
/** The beginning of a cell that would be run; at the very beginning also what separates cells. */
const RISKY = String.raw`(?<=^|[${SEPARATORS}])(?=X${OVERLOOKED}${SIGNS})|^(?=X${OVERLOOKED}[${SEPARATORS}])`

const TO_DEFUSE = new RegExp(RISKY.replaceAll('X', ''), 'gv')
const DEFUSED = new RegExp(`(?:${RISKY.replaceAll('X', '\'')})'`, 'gv')
const QUOTED = /[",;\t\r\n\v\f\u0085\u2028\u2029]|^\s|\s$/
/** Without quotes it would be a number or a boolean. */
const NO_TEXT = /^(?:true|false|\d[\d.,]*(?:e[+-]?\d+)?)$/i

/** A text that no spreadsheet runs. */
export function defused(text: string): string {
  return text.replace(TO_DEFUSE, '\'')
}

/** The text that {@link defused} was given. */
export function restored(text: string): string {
  return text.replace(DEFUSED, '')
}

/** A text as a cell of a CSV file (RFC 4180). */
export function csvText(text: string): string {
  const safe = defused(text)
  const isQuoted = safe !== text || QUOTED.test(safe) || NO_TEXT.test(safe)
  return isQuoted ? `"${safe.replaceAll('"', '""')}"` : safe
}
