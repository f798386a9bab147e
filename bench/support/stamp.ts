/** The metric that says when a message was sent: microseconds of the machine's monotonic clock, which all its processes share. */
export const STAMP = 'sentUs'
/** Added to the clock, so that every stamp has the same number of digits. */
const OFFSET = 1_000_000_000_000_000
export const STAMP_DIGITS = 16
export const NO_STAMP = '0'.repeat(STAMP_DIGITS)

/** Now, in microseconds. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}

/** Now, as it stands in a message. */
export function stampText(): string {
  return String(OFFSET + nowUs())
}

/** When a message was sent, from its stamp as text. */
export function readStamp(text: string): number {
  return Number(text) - OFFSET
}
