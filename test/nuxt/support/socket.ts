import type { StreamEvent } from '#shared/schemas/events'

/** Stands for the server's end of `/ws/events`: happy-dom has no network. */
export class ServerSocket {
  static readonly all: ServerSocket[] = []
  readonly received: string[] = []
  onopen?: () => void
  onclose?: (event: unknown) => void
  onmessage?: (event: { data: string }) => void

  constructor(readonly url: string) {
    ServerSocket.all.push(this)
  }

  send(text: string) {
    this.received.push(text)
  }

  close() {}

  accept() {
    this.onopen?.()
  }

  say(event: StreamEvent) {
    this.onmessage?.({ data: JSON.stringify(event) })
  }

  sayRaw(data: string) {
    this.onmessage?.({ data })
  }

  drop() {
    this.onclose?.({})
  }

  /** The connection that the page opened last. */
  static get latest(): ServerSocket {
    const socket = ServerSocket.all.at(-1)
    if (!socket) throw new Error('The page has not opened the stream.')
    return socket
  }
}
