import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { constants, createBrotliCompress, createGzip } from 'node:zlib'

const CHUNK_BYTES = 65_536
/** The cheapest level: higher ones make a fleet a tenth smaller and take several times as long. */
const COMPRESSORS = {
  br: () => createBrotliCompress({ chunkSize: CHUNK_BYTES, params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  gzip: () => createGzip({ chunkSize: CHUNK_BYTES, level: constants.Z_BEST_SPEED }),
}

export type Encoding = keyof typeof COMPRESSORS

/** Compresses several buffers as one, outside the event loop. */
export function compress(pieces: readonly Buffer[], encoding: Encoding): Promise<Buffer> {
  return buffer(Readable.from(pieces).pipe(COMPRESSORS[encoding]()))
}

/**
 * Runs `make`, never twice at once: callers during a run share the next run. So no answer is older than its request,
 * however many ask.
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
