import { describe, expect, it } from 'vitest'
import { sparklinePath } from '#shared/fleet/sparkline'

const box = { from: 0, to: 100, width: 50, height: 10, gapMs: 30 }

describe('sparklinePath', () => {
  it('fills the box from lowest to highest', () => {
    expect(sparklinePath([[0, 1], [20, 3], [40, 2]], box)).toBe('M0.0 10.0L10.0 0.0L20.0 5.0')
  })

  it('runs an even value through the middle', () => {
    expect(sparklinePath([[0, 7], [20, 7]], box)).toBe('M0.0 5.0L10.0 5.0')
  })

  it('leaves gaps open and what is outside away', () => {
    expect(sparklinePath([[-10, 1], [0, 1], [50, 3]], box)).toBe('M0.0 10.0M25.0 0.0')
    expect(sparklinePath([], box)).toBe('')
  })

  it('begins anew behind a gap that is told, and draws the largest numbers', () => {
    expect(sparklinePath([[0, 1], [20, 3], [40, 2]], { ...box, gaps: [{ from: 25, to: 40 }, { from: 45, to: null }] })).toBe('M0.0 10.0L10.0 0.0M20.0 5.0')
    expect(sparklinePath([[0, -Number.MAX_VALUE], [20, Number.MAX_VALUE]], box)).toBe('M0.0 10.0L10.0 0.0')
  })
})
