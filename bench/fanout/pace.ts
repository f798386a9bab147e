// How fast is sent, by the publisher for the server and by the yardstick alike. Told `{ perSecond }` (0: as fast as all clients
// take it), `{ received }` (how many messages the slowest client has), `{ stop: true }`; tells `{ sent, stopped }`.

/** Messages that the slowest client may be behind: there is always something to do, and never a megabyte waiting for one client. */
const AHEAD = 50
const REPORT_MS = 20

/** Calls `emit` with how many messages are due, at most `burst` where there is no rate; `end` when the last one is sent. */
export function keepPace(burst: number, emit: (messages: number) => void, end = () => {}) {
  let perSecond: number | undefined
  let since = { at: 0, sent: 0 }
  let sent = 0
  let received = 0
  let scheduled = false

  function due(): number {
    if (perSecond === undefined) return 0
    if (perSecond === 0) return Math.min(burst, AHEAD - (sent - received))
    return Math.floor((performance.now() - since.at) * perSecond / 1_000) - (sent - since.sent)
  }

  function go() {
    scheduled = false
    const messages = due()
    if (messages <= 0) return
    sent += messages
    emit(messages)
    if (perSecond === 0) goSoon()
  }

  function goSoon() {
    if (!scheduled) setImmediate(go)
    scheduled = true
  }

  process.on('message', (message) => {
    if (typeof message !== 'object' || message === null) return
    if ('received' in message) received = Number(message.received)
    if ('perSecond' in message) {
      perSecond = Number(message.perSecond)
      since = { at: performance.now(), sent }
    }
    if ('stop' in message) {
      perSecond = undefined
      end()
    }
    if (perSecond === 0) goSoon()
  })
  setInterval(() => { if (perSecond !== 0) go() }, 1)
  setInterval(() => process.send?.({ sent, stopped: perSecond === undefined }), REPORT_MS)
}
