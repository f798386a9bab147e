import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { decodeHeader, encodeHeader, HEADER_BYTES } from '../../../../tools/backup/format'

const HEADER = { schema: 1, bytes: 9_138_176, sha256: hash('sha256', 'x'), createdAt: '2026-01-01T00:00:00.000Z' }

describe('the header of a backup', () => {
  it('comes back as it was written, in 512 bytes that can be read by eye', () => {
    const encoded = encodeHeader(HEADER)
    expect(encoded).toHaveLength(HEADER_BYTES)
    expect(encoded.toString()).toMatch(/^leitstand-backup 1\n\{"schema":1,"bytes":9138176,/)
    expect(decodeHeader(encoded)).toEqual(HEADER)
  })

  it('is refused with any one of its bytes altered', () => {
    const accepted = Array.from({ length: HEADER_BYTES }, (_, i) => i).filter((i) => {
      const altered = encodeHeader(HEADER)
      altered[i] = (altered[i] ?? 0) ^ 1
      return isAccepted(altered)
    })
    expect(accepted).toEqual([])
  })

  it('is refused at any shorter length', () => {
    const encoded = encodeHeader(HEADER)
    expect(Array.from({ length: HEADER_BYTES }, (_, i) => i).filter(length => isAccepted(encoded.subarray(0, length)))).toEqual([])
  })

  it('says when it is of a format to come', () => {
    const body = encodeHeader(HEADER).toString().slice(0, 448).replace('backup 1', 'backup 2')
    expect(() => decodeHeader(Buffer.from(body + hash('sha256', body)))).toThrow('made by a newer version of the application (format 2, this one knows 1)')
  })
})

function isAccepted(header: Buffer): boolean {
  try {
    decodeHeader(header)
    return true
  }
  catch {
    return false
  }
}
