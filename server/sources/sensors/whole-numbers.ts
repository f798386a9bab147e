import { isRecord } from '#shared/device/ordinary'
import { withoutWrapping } from '../json'

/** A double keeps every whole number up to 2^53, which has so many digits. */
const KEPT = String(2 ** 53)
const LONG_RUN = new RegExp(`\\d{${KEPT.length}}`)
const WHOLE = /^-?\d+$/

/**
 * Puts the digits of whole numbers beyond 2^53 in their places, as texts: what JSON made of them are other numbers.
 * @param metrics As they were parsed from `text`.
 * @returns the names of those; `undefined` where they cannot be found, for something in the message is nested too deeply.
 */
export function keepWholeNumbers(metrics: unknown, text: string): string[] | undefined {
  if (!isRecord(metrics) || !LONG_RUN.test(text)) return []
  const digits = digitsIn(text)
  if (!digits) return undefined
  for (const [name, number] of digits) metrics[name] = number
  return [...digits.keys()]
}

/** The whole numbers beyond 2^53 among the metrics of a message, as they were written. */
function digitsIn(text: string): ReadonlyMap<string, string> | undefined {
  // Objects come before what holds them: which of them is `metrics` is known at the end.
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
  return digits.length > KEPT.length || (digits.length === KEPT.length && digits > KEPT)
}
