import type { WriteStream } from 'node:tty'

const ERASE_LINE = '\r\u001B[2K'
/** A plain line for every tenth, where lines cannot rewrite themselves. */
const PLAIN_PERCENT = 10

export interface Steps {
  /** Begins a step of which `total` is to be done, in bytes or rows; the function returned is told how much is. */
  begin: (verb: string, total: number, words: (done: number, percent: number) => string) => (done: number) => void
}

export interface Progress extends Steps {
  /** A sentence, in place of the progress line. */
  say: (sentence: string) => void
  /** Takes the progress line away. */
  clear: () => void
}

type Output = Pick<WriteStream, 'write'> & { isTTY?: boolean }

/** `12,346`, or with decimals `12.3` */
export function inDigits(value: number, digits = 0): string {
  return value.toLocaleString('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** `copied 27 %`: one line that rewrites itself on a terminal, a few plain lines elsewhere. */
export function createProgress(output: Output): Progress {
  const erase = output.isTTY ? ERASE_LINE : ''
  return {
    begin(verb, total, words) {
      let shown = -1
      return (done) => {
        const percent = total === 0 ? 100 : Math.min(100, Math.floor(done * 100 / total))
        const mark = output.isTTY ? percent : Math.floor(percent / PLAIN_PERCENT)
        if (mark === shown) return
        shown = mark
        output.write(`${erase}${verb} ${words(done, percent)}${output.isTTY ? '' : '\n'}`)
      }
    },
    say: sentence => void output.write(`${erase}${sentence}\n`),
    clear: () => void output.write(erase),
  }
}
