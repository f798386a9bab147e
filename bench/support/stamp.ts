/** The metric that says when a message was sent: microseconds of the machine's monotonic clock, which all its processes share. */
export const STAMP = 'sentUs'
/** Added to the clock, so that every stamp has the same number of digits. */
const OFFSET = 1_000_000_000_000_000
export const STAMP_DIGITS = 16
const ZERO = 0x30
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

/** Stamps of now, each later than the one before: by its stamp a message is known. */
export function createStamps(): () => string {
  let last = 0
  return () => {
    last = Math.max(last + 1, OFFSET + nowUs())
    return String(last)
  }
}

/** When a message was sent, from its stamp at `at`; without a text of its own. */
export function readStampAt(bytes: Buffer, at: number): number {
  let value = 0
  for (let i = at; i < at + STAMP_DIGITS; i++) value = value * 10 + (bytes[i] ?? 0) - ZERO
  return value - OFFSET
}
