const FINAL_TEXT = 0x81
/** Lengths that fit into the second byte, or say there how many bytes of length follow. */
const LENGTH_16 = 126
const LENGTH_64 = 127

/** Texts as the WebSocket frames of a server (RFC 6455, unmasked), one after the other: bytes that serve every client alike. */
export function toFrames(texts: readonly string[]): Buffer {
  const lengths = texts.map(text => Buffer.byteLength(text))
  const bytes = Buffer.allocUnsafe(lengths.reduce((room, length) => room + headLength(length) + length, 0))
  let at = 0
  for (const [i, text] of texts.entries()) {
    const length = lengths[i] ?? 0
    writeHead(bytes, at, length)
    at += headLength(length)
    at += bytes.write(text, at)
  }
  return bytes
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
