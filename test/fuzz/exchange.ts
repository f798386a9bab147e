import { connect } from 'node:net'

export interface Heard {
  /** Of the first answer; undefined: there was none. */
  status: number | undefined
  text: string
  /** The other side has ended the connection, or `isEnough` was true. */
  isOver: boolean
}

export interface ExchangeOptions {
  /** Ends it before the other side does. */
  isEnough?: (text: string) => boolean
  timeoutMs: number
  /** Said once something has been heard. */
  afterwards?: readonly Buffer[]
}

const MOST_KEPT = 2_000_000

/** Says something on a new connection to this machine, and hears what comes until that is enough, over, or takes too long. */
export function exchange(port: number, said: Buffer, { isEnough, timeoutMs, afterwards = [] }: ExchangeOptions): Promise<Heard> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const timer = setTimeout(() => end(false), timeoutMs)
    let text = ''
    let isAnswered = false
    function end(isOver: boolean) {
      clearTimeout(timer)
      socket.destroy()
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]
      resolve({ status: status === undefined ? undefined : Number(status), text, isOver })
    }
    socket.once('connect', () => socket.write(said))
    socket.setEncoding('latin1').on('data', (chunk) => {
      if (text.length < MOST_KEPT) text += String(chunk)
      if (!isAnswered) for (const bytes of afterwards) socket.write(bytes)
      isAnswered = true
      if (isEnough?.(text)) end(true)
    })
    // It may be cut while we still speak.
    socket.on('error', () => {})
    socket.on('close', () => end(true))
  })
}
