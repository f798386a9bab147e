import { describe, expect, it } from 'vitest'
import { createProgress, totalsLine } from '../../../../tools/simulator/progress'

function written(isTTY: boolean): string[] {
  const texts: string[] = []
  const progress = createProgress({ isTTY, write: (text: string | Uint8Array) => texts.push(String(text)) > 0 })
  progress.say('Connected.')
  progress.update({ sent: 1_000, unacknowledged: 3, skipped: 0 }, 1_000)
  progress.say('Lost.')
  progress.update({ sent: 1_500, unacknowledged: 0, skipped: 20 }, 2_000)
  progress.end('Done.')
  return texts
}

describe('the progress', () => {
  it('is one line that rewrites itself on a terminal, under the sentences', () => {
    const erase = '\r\u001B[2K'
    expect(written(true)).toEqual([
      'Connected.\n',
      `${erase}sent 1,000   rate 1,000/s   unacknowledged 3`,
      `${erase}Lost.\nsent 1,000   rate 1,000/s   unacknowledged 3`,
      `${erase}sent 1,500   rate 250/s   unacknowledged 0   skipped 20 (broker away or too slow)`,
      `${erase}Done.\n`,
    ])
  })

  it('is plain lines elsewhere', () => {
    expect(written(false)).toEqual([
      'Connected.\n',
      'sent 1,000   rate 1,000/s   unacknowledged 3\n',
      'Lost.\n',
      'sent 1,500   rate 250/s   unacknowledged 0   skipped 20 (broker away or too slow)\n',
      'Done.\n',
    ])
  })

  it('ends with the totals', () => {
    expect(totalsLine({ sent: 3_000, unacknowledged: 0, skipped: 0 }, 1_500)).toBe('Sent 3,000 messages in 1.5 s (2,000/s), 0 unacknowledged.')
  })
})
