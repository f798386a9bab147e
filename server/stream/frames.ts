const FINAL_TEXT = 0x81
/** Lengths that fit into the second byte, or its codes for a length of 2 or 8 bytes. */
const LENGTH_16 = 126
const LENGTH_64 = 127

/** A text for a client, and the last event it covers; without an id it covers only part of it. */
export interface Frame { text: string, id?: string }

/** How texts become bytes on a connection. */
export interface Framing {
  /** Frames one after the other: bytes that are the same for every client. */
  join: (frames: readonly Frame[]) => Buffer
  /** One frame around a body that is encoded already and is not copied. */
  around: (before: string, body: Buffer, after: string, id?: string) => Buffer[]
  /** Asks the client for a sign of life, or at least prevents proxies from closing the connection. */
  ping: Buffer
}

/** The frames of a WebSocket server: RFC 6455, unmasked. */
export const WEBSOCKET: Framing = {
  join(frames) {
    const lengths = frames.map(({ text }) => Buffer.byteLength(text))
    const bytes = Buffer.allocUnsafe(lengths.reduce((room, length) => room + headLength(length) + length, 0))
    let at = 0
    for (const [i, { text }] of frames.entries()) {
      const length = lengths[i] ?? 0
      writeHead(bytes, at, length)
      at += headLength(length)
      at += bytes.write(text, at)
    }
    return bytes
  },
  around(before, body, after) {
    const length = Buffer.byteLength(before) + body.length + Buffer.byteLength(after)
    const head = Buffer.allocUnsafe(headLength(length))
    writeHead(head, 0, length)
    return [Buffer.concat([head, Buffer.from(before)]), body, Buffer.from(after)]
  },
  ping: Buffer.from([0x89, 0]),
}

/** Server-sent events (HTML standard, section 9.2); JSON text contains no line break. */
export const SERVER_SENT: Framing = {
  join: frames => Buffer.from(frames.map(({ text, id }) => `${idLine(id)}data: ${text}\n\n`).join('')),
  around: (before, body, after, id) => [Buffer.from(`${idLine(id)}data: ${before}`), body, Buffer.from(`${after}\n\n`)],
  ping: Buffer.from(':\n\n'),
}

/** An empty id would make a browser forget the last one. */
function idLine(id: string | undefined): string {
  return id === undefined ? '' : `id: ${id}\n`
}

function headLength(length: number): number {
  if (length < LENGTH_16) return 2
  return length < 65_536 ? 4 : 10
}

function writeHead(bytes: Buffer, at: number, length: number) {
  bytes[at] = FINAL_TEXT
  if (length < LENGTH_16) {
    bytes[at + 1] = length
  }
  else if (length < 65_536) {
    bytes[at + 1] = LENGTH_16
    bytes.writeUInt16BE(length, at + 2)
  }
  else {
    bytes[at + 1] = LENGTH_64
    bytes.writeBigUInt64BE(BigInt(length), at + 2)
  }
}
