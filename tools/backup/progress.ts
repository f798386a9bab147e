import type { WriteStream } from 'node:tty'
import { megabytes } from './files.ts'
import type { OnBytes } from './files.ts'

const ERASE_LINE = '\r\u001B[2K'
/** A plain line for every tenth, where lines cannot rewrite themselves. */
const PLAIN_PERCENT = 10

/** The steps of a backup or restore, each of which goes over a known number of bytes. */
export interface Steps {
  /** Begins a step; the function returned is told how far it is. */
  begin: (verb: string, totalBytes: number) => OnBytes
}

export interface Progress extends Steps {
  /** The last sentence, in place of the progress line. */
  end: (sentence: string) => void
  /** Takes the progress line away. */
  clear: () => void
}

type Output = Pick<WriteStream, 'write'> & { isTTY?: boolean }

/** `copied 12.3 of 45.6 MB (27 %)`: one line that rewrites itself on a terminal, a few plain lines elsewhere. */
export function createProgress(output: Output): Progress {
  const erase = output.isTTY ? ERASE_LINE : ''
  return {
    begin(verb, totalBytes) {
      let shown = -1
      return (bytes) => {
        const percent = totalBytes === 0 ? 100 : Math.min(100, Math.floor(bytes * 100 / totalBytes))
        const mark = output.isTTY ? percent : Math.floor(percent / PLAIN_PERCENT)
        if (mark === shown) return
        shown = mark
        const line = `${verb} ${megabytes(bytes)} of ${megabytes(totalBytes)} MB (${percent} %)`
        output.write(erase + line + (output.isTTY ? '' : '\n'))
      }
    },
    end: sentence => void output.write(`${erase}${sentence}\n`),
    clear: () => void output.write(erase),
  }
}
