import type { WriteStream } from 'node:tty'

const ERASE_LINE = '\r\u001B[2K'
/** A plain line for every tenth, where lines cannot rewrite themselves. */
const PLAIN_PERCENT = 10

/** Told how much of a step is done, and how many samples passed meanwhile. */
export type OnDone = (done: number, samples: number) => void

export interface Progress {
  /** Begins a step of which `before` of `total` was done at an earlier time; `how` many samples: `about ` or nothing. */
  begin: (verb: string, how: 'about ' | '', total: number, before?: number) => OnDone
  /** A sentence, in place of the progress line. */
  say: (sentence: string) => void
  /** Takes the progress line away. */
  clear: () => void
}

type Output = Pick<WriteStream, 'write'> & { isTTY?: boolean }

/** `moved 27 % (about 1,234,567 samples, 345,678/s, 12 s left)`: one line that rewrites itself on a terminal, a few plain lines elsewhere. */
export function createProgress(output: Output, now: () => number = performance.now.bind(performance)): Progress {
  const erase = output.isTTY ? ERASE_LINE : ''
  return {
    begin(verb, how, total, before = 0) {
      const began = now()
      let shown = -1
      return (done, samples) => {
        const percent = total === 0 ? 100 : Math.min(100, Math.floor(done * 100 / total))
        const mark = output.isTTY ? percent : Math.floor(percent / PLAIN_PERCENT)
        if (mark === shown) return
        shown = mark
        const seconds = Math.max(0.001, (now() - began) / 1_000)
        const left = done > before ? `, ${inWords(seconds * (total - done) / (done - before))} left` : ''
        const line = `${verb} ${percent} % (${how}${count(samples)} samples, ${count(samples / seconds)}/s${left})`
        output.write(erase + line + (output.isTTY ? '' : '\n'))
      }
    },
    say: sentence => void output.write(`${erase}${sentence}\n`),
    clear: () => void output.write(erase),
  }
}

/** `12,346` */
export function count(value: number): string {
  return value.toLocaleString('en-GB', { maximumFractionDigits: 0 })
}

function inWords(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}
