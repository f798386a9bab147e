/** The texts of a server's unmasked WebSocket frames, read by the letter of RFC 6455; pings are passed over. */
export function textsOf(bytes: Buffer): string[] {
  return createReader()(bytes)
}

/** Reads frames that may come in pieces. */
export function createReader() {
  let rest: Buffer = Buffer.alloc(0)
  return (bytes: Buffer): string[] => {
    rest = Buffer.concat([rest, bytes])
    const texts: string[] = []
    for (let end = frameEnd(rest); end !== undefined && end <= rest.length; end = frameEnd(rest)) {
      if (rest[0] === 0x81) texts.push(rest.toString('utf8', headLength(rest), end))
      else if (rest[0] !== 0x89) throw new Error(`A frame begins with ${rest[0]}.`)
      rest = rest.subarray(end)
    }
    return texts
  }
}

function headLength(bytes: Buffer): number {
  const short = bytes[1] ?? 0
  return short < 126 ? 2 : short === 126 ? 4 : 10
}

function frameEnd(bytes: Buffer): number | undefined {
  const head = headLength(bytes)
  if (bytes.length < head) return undefined
  const length = head === 2 ? bytes[1] ?? 0 : head === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  return head + length
}
