import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Attack } from './attacks.ts'

/** More are not opened while so many are not answered: an attack must not bring down the machine. */
const MOST_OPEN = 2_000
const STEP_MS = 10

export interface Assault {
  /** How often each status was heard; `101` of streams that were opened, `none` of connections that were closed without a word. */
  answers: () => Record<string, number>
  /** Begins no others; resolves when those under way are over, or cut off after so long. */
  stop: (patienceMs?: number) => Promise<void>
}

/** Attacks a server on this machine, again and again until it is stopped or has done it `most` times. */
export function startAssault(port: number, attack: Attack, token: string, most = Infinity): Assault {
  const answers: Record<string, number> = {}
  const open = new Set<Socket>()
  const begin = performance.now()
  let made = 0
  let onQuiet = () => {}
  const timer = setInterval(() => {
    const due = Math.min(most, (performance.now() - begin) / 1_000 * attack.perSecond)
    while (made < due && open.size < MOST_OPEN) {
      made++
      attackOnce(port, attack, token, open, (answer) => {
        answers[answer] = (answers[answer] ?? 0) + 1
        if (open.size === 0) onQuiet()
      })
    }
    if (made >= most) clearInterval(timer)
  }, STEP_MS)

  return {
    answers: () => ({ ...answers }),
    async stop(patienceMs = 0) {
      clearInterval(timer)
      const quiet = new Promise<void>((resolve) => { onQuiet = resolve })
      const patience = setTimeout(() => { for (const socket of open) socket.destroy() }, patienceMs)
      if (open.size > 0) await quiet
      clearTimeout(patience)
    },
  }
}

function attackOnce(port: number, { said, afterwards, drip }: Attack, token: string, open: Set<Socket>, onOver: (answer: string) => void) {
  const socket = connect(port, '127.0.0.1')
  open.add(socket)
  let status = 'none'
  const dripping = drip && setInterval(() => socket.write(drip.bytes), drip.everyMs)
  socket.once('connect', () => socket.write(said(token)))
  socket.on('data', (chunk) => {
    if (status !== 'none') return
    status = /^HTTP\/1\.1 (\d{3})/.exec(chunk.toString('latin1', 0, 12))?.[1] ?? 'none'
    if (afterwards) socket.write(afterwards)
  })
  // It is cut off while it speaks.
  socket.on('error', () => {})
  socket.on('close', () => {
    clearInterval(dripping)
    open.delete(socket)
    onOver(status)
  })
}
