import { createEventReader } from '#shared/api/event-reader'
import type { StreamRefusal } from '#shared/api/stream-refusal'
import { refusalOfAnswer } from '#shared/api/stream-refusal'

/** The server sends something at least every 20 s. */
const SILENCE_MS = 45_000

export interface ServerEventsOptions {
  /** The data of an event. */
  receive: (text: string) => void
  /** It has ended: refused by the server, unreachable, or closed. */
  end: (refusal: StreamRefusal | undefined) => void
}

/**
 * One stream of server-sent events, without retries. `EventSource` would not reveal why it is refused. Returns how to
 * close it.
 */
export function openServerEvents(address: string, { receive, end }: ServerEventsOptions): () => void {
  const leaving = new AbortController()
  let isLeft = false
  let silence: ReturnType<typeof setTimeout> | undefined

  function listen() {
    clearTimeout(silence)
    silence = setTimeout(() => leaving.abort(), SILENCE_MS)
  }

  async function run(): Promise<StreamRefusal | undefined> {
    const answer = await fetch(address, { headers: { accept: 'text/event-stream' }, cache: 'no-store', signal: leaving.signal })
    if (!answer.ok) return await refusalOfAnswer(answer)
    if (!answer.body || !answer.headers.get('content-type')?.startsWith('text/event-stream')) return undefined
    const take = createEventReader(text => isLeft || receive(text))
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      listen()
      take(part.value)
    }
    return undefined
  }

  listen()
  void run().catch(() => undefined).then((refusal) => {
    clearTimeout(silence)
    if (!isLeft) end(refusal)
  })
  return () => {
    isLeft = true
    clearTimeout(silence)
    leaving.abort()
  }
}
