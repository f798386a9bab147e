import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { compress, oneAtATime } from '../../../../server/fleet/compression'

describe('compress', () => {
  it.for([['br', brotliDecompressSync], ['gzip', gunzipSync]] as const)('makes %s of pieces as of one text', async ([encoding, decompress]) => {
    const pieces = Array.from({ length: 50 }, (_, n) => Buffer.from(`Stück ${n}, `.repeat(1_000)))
    expect(decompress(await compress(pieces, encoding))).toEqual(Buffer.concat(pieces))
  })
})

describe('oneAtATime', () => {
  /** Runs that end when they are told to. */
  function createRuns() {
    const runs: PromiseWithResolvers<string>[] = []
    const ask = oneAtATime(() => {
      const run = Promise.withResolvers<string>()
      runs.push(run)
      return run.promise
    })
    return { runs, ask, turn: () => new Promise(resolve => setImmediate(resolve)) }
  }

  it('answers all who ask at once with one run', async () => {
    const { runs, ask, turn } = createRuns()
    const answers = [ask(), ask(), ask()]
    await turn()
    expect(runs).toHaveLength(1)
    runs[0]?.resolve('one')
    expect(await Promise.all(answers)).toEqual(['one', 'one', 'one'])
  })

  it('answers who asks during a run with the next one', async () => {
    const { runs, ask, turn } = createRuns()
    const first = ask()
    await turn()
    const later = [ask(), ask()]
    await turn()
    expect(runs).toHaveLength(1)
    runs[0]?.resolve('one')
    expect(await first).toBe('one')
    await turn()
    expect(runs).toHaveLength(2)
    runs[1]?.resolve('two')
    expect(await Promise.all(later)).toEqual(['two', 'two'])
  })

  it('goes on after a run that failed', async () => {
    const { runs, ask, turn } = createRuns()
    const failing = ask()
    await turn()
    const later = ask()
    runs[0]?.reject(new Error('no room'))
    await expect(failing).rejects.toThrow('no room')
    await turn()
    runs[1]?.resolve('two')
    expect(await later).toBe('two')
  })
})
