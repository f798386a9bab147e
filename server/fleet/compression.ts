import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { constants, createBrotliCompress, createGzip } from 'node:zlib'

const CHUNK_BYTES = 65_536
/** What costs least: higher levels make a fleet a tenth smaller and take several times as long. */
const COMPRESSORS = {
  br: () => createBrotliCompress({ chunkSize: CHUNK_BYTES, params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  gzip: () => createGzip({ chunkSize: CHUNK_BYTES, level: constants.Z_BEST_SPEED }),
}

export type Encoding = keyof typeof COMPRESSORS

/** Compresses what lies in several pieces, off the event loop. */
export function compress(pieces: readonly Buffer[], encoding: Encoding): Promise<Buffer> {
  return buffer(Readable.from(pieces).pipe(COMPRESSORS[encoding]()))
}

/**
 * `make`, but never twice at once: whoever asks while it runs waits for the next run, together with all others. So nobody is
 * answered with what is older than the question, however many ask.
 */
export function oneAtATime<T>(make: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve()
  let next: Promise<T> | undefined
  return () => {
    next ??= running.then(() => {
      const run = make()
      next = undefined
      running = run.catch(() => undefined)
      return run
    })
    return next
  }
}
