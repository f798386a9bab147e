import type { WriteStream } from 'node:tty'
import type { PublisherStats } from './publisher.ts'

const ERASE_LINE = '\r\u001B[2K'

/** What the progress line and the totals are made of; `skipped` counts messages given up because the broker was away or behind. */
export interface Figures extends PublisherStats { skipped: number }

/** One line a second that rewrites itself on a terminal and is a plain line elsewhere; sentences go in between. */
export interface Progress {
  /** @param elapsedMs Time since the last update, which the rate is counted over. */
  update: (figures: Figures, elapsedMs: number) => void
  say: (sentence: string) => void
  /** The last sentence, in place of the progress line. */
  end: (sentence: string) => void
}

type Output = Pick<WriteStream, 'write'> & { isTTY?: boolean }

export function createProgress(output: Output): Progress {
  let shown = ''
  let lastSent = 0
  return {
    update(figures, elapsedMs) {
      const rate = (figures.sent - lastSent) * 1_000 / elapsedMs
      lastSent = figures.sent
      const line = progressLine(figures, rate)
      output.write(output.isTTY ? ERASE_LINE + line : `${line}\n`)
      if (output.isTTY) shown = line
    },
    say(sentence) {
      output.write(`${shown && ERASE_LINE}${sentence}\n${shown}`)
    },
    end(sentence) {
      output.write(`${shown && ERASE_LINE}${sentence}\n`)
    },
  }
}

/** `sent 12,000   rate 1,998/s   unacknowledged 12`, with `skipped` where there are any. */
function progressLine({ sent, unacknowledged, skipped }: Figures, rate: number): string {
  return [`sent ${count(sent)}`, `rate ${count(rate)}/s`, `unacknowledged ${count(unacknowledged)}`, ...skippedPart(skipped)].join('   ')
}

/** The last line of a run. */
export function totalsLine({ sent, unacknowledged, skipped }: Figures, elapsedMs: number): string {
  const seconds = elapsedMs / 1_000
  return [
    `Sent ${count(sent)} messages in ${seconds.toFixed(1)} s (${count(sent / Math.max(seconds, 0.001))}/s)`,
    `${count(unacknowledged)} unacknowledged`,
    ...skippedPart(skipped),
  ].join(', ') + '.'
}

function skippedPart(skipped: number): string[] {
  return skipped > 0 ? [`skipped ${count(skipped)} (broker away or too slow)`] : []
}

function count(value: number): string {
  return value.toLocaleString('en-GB', { maximumFractionDigits: value < 10 ? 1 : 0 })
}
