import { createHash } from 'node:crypto'
import type { PictureType } from '#shared/schemas/profile'
import type { Refusal } from './contract'
import type { PictureInfo } from './profile-store'

const SIGNATURES: [PictureType, (bytes: Buffer) => boolean][] = [
  ['image/png', bytes => bytes.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))],
  ['image/jpeg', bytes => bytes.subarray(0, 3).equals(Buffer.from([0xFF, 0xD8, 0xFF]))],
  ['image/webp', bytes => bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP'],
]

/** The type of a picture by its first bytes, whatever its sender claims; undefined: not an accepted type. */
function pictureType(bytes: Uint8Array): PictureType | undefined {
  const head = Buffer.from(bytes.subarray(0, 12))
  return SIGNATURES.find(([, matches]) => matches(head))?.[0]
}

/** Distinguishes one picture from another. */
function pictureTag(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url').slice(0, 12)
}

/** The type of a picture, or why it is refused. */
export function pictureInfo(bytes: Uint8Array, mostBytes: number): PictureInfo | Refusal {
  if (bytes.length > mostBytes) return {
    code: 'picture-too-large',
    message: `The picture has ${bytes.length} bytes; at most ${mostBytes} are allowed (NUXT_LIMITS_PICTURE_BYTES).`,
  }
  const type = pictureType(bytes)
  if (!type) return { code: 'picture-invalid', message: 'The picture is neither PNG nor JPEG nor WebP.' }
  return { type, tag: pictureTag(bytes), bytes: bytes.length }
}

export function toDataUrl(type: PictureType, bytes: Uint8Array): string {
  return `data:${type};base64,${Buffer.from(bytes).toString('base64')}`
}

/** The bytes of a data URL, whatever type it claims. */
export function fromDataUrl(url: string): Buffer {
  return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64')
}
