import { isRecord } from '#shared/device/ordinary'
import { withoutWrapping } from '../json'

/** A double represents every whole number up to 2^53, which has this many digits. */
const LARGEST_EXACT = String(2 ** 53)
const LONG_RUN = new RegExp(`\\d{${LARGEST_EXACT.length}}`)
const WHOLE = /^-?\d+$/

/**
 * Replaces whole numbers beyond 2^53 by their digits as text: JSON parsing has changed them.
 * @param metrics As they were parsed from `text`.
 * @returns their names; `undefined` if they cannot be found, because the message is nested too deeply.
 */
export function restoreWholeNumbers(metrics: unknown, text: string): string[] | undefined {
  if (!isRecord(metrics) || !LONG_RUN.test(text)) return []
  const digits = digitsIn(text)
  if (!digits) return undefined
  for (const [name, number] of digits) metrics[name] = number
  return [...digits.keys()]
}

/** The whole numbers beyond 2^53 among the metrics of a message, with their original digits. */
function digitsIn(text: string): ReadonlyMap<string, string> | undefined {
  // Inner objects come first: which of them is `metrics` is known at the end.
  const byHolder = new Map<unknown, Map<string, string>>()
  function note(this: unknown, name: string, value: unknown, ...[context]: { source?: string }[]) {
    const source = context?.source
    if (typeof value === 'number' && source !== undefined && isBeyond(source)) {
      const numbers = byHolder.get(this) ?? new Map<string, string>()
      byHolder.set(this, numbers.set(name, source))
    }
    return value
  }
  try {
    const message: unknown = JSON.parse(withoutWrapping(text), note)
    return (isRecord(message) && byHolder.get(message.metrics)) || new Map()
  }
  catch {
    // Unlike parsing, looking at every value goes as deep as the text.
    return undefined
  }
}

function isBeyond(source: string): boolean {
  if (!WHOLE.test(source)) return false
  const digits = source.startsWith('-') ? source.slice(1) : source
  return digits.length > LARGEST_EXACT.length || (digits.length === LARGEST_EXACT.length && digits > LARGEST_EXACT)
}
