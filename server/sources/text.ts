import { isUtf8 } from 'node:buffer'
import { reject } from './source'
import type { Refusal, SourceLimits } from './source'

/** The text of a payload, or why it is none. */
export function readText(payload: Buffer, limits: SourceLimits): string | Refusal {
  if (payload.length > limits.payloadBytes) {
    return reject('payload-too-large', `The payload has ${payload.length} bytes; at most ${limits.payloadBytes} are read.`)
  }
  const text = payload.toString('utf8')
  // What cannot be decoded becomes this character; only then it is worth a look at the bytes.
  return text.includes('\uFFFD') && !isUtf8(payload) ? reject('not-utf8', 'The payload is not valid UTF-8.') : text
}
