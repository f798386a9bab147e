// Text for files that spreadsheets open. They run a cell that begins like a formula, and split cells in unexpected
// places: German Excel splits a file with commas at its semicolons, even inside quotes. So an apostrophe is put in
// front of each such beginning, also inside a text, and can be removed again.

/** After these some spreadsheets begin a new cell. */
const SEPARATORS = String.raw`,;\t\n\v\f\r\u0085\u2028\u2029`
/** Characters that a spreadsheet may ignore at the beginning of a cell. */
const OVERLOOKED = String.raw`[[\p{White_Space}\p{Cc}\p{Cf}"']--[${SEPARATORS}]]*`
/** Characters that begin a formula or a negative number, and those that normalisation turns into one. */
const SIGNS = String.raw`[=+\-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋−]`
/** The beginning of a cell that would be run; at the very beginning also cell separators. */
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
