import { describe, expect, it } from 'vitest'
import { judgeMemory } from '../../fuzz/memory'

const MEGABYTE = 1_000_000
const looks = (mb: (share: number) => number) => Array.from({ length: 100 }, (_, n) => mb(n / 100) * MEGABYTE)

describe('the memory of a server that is fuzzed', () => {
  it('is flat when it goes up and down, or up at the beginning only', () => {
    expect(judgeMemory(looks(share => 200 + 30 * Math.sin(share * 40)))?.isFlat).toBe(true)
    expect(judgeMemory(looks(share => Math.min(250, 100 + share * 1_000)))?.isFlat).toBe(true)
  })

  it('is not when it goes on growing', () => {
    expect(judgeMemory(looks(share => 100 + 400 * share))?.isFlat).toBe(false)
  })

  it('is not judged by a few looks', () => {
    expect(judgeMemory(looks(() => 100).slice(0, 10))).toBeUndefined()
  })
})
