import { createError } from 'h3'
import type { H3Event } from 'h3'
import { MAX_DEVICE_ID_LENGTH, MAX_LABEL_LENGTH } from '#shared/schemas/profile'
import type { Fault } from '#shared/schemas/error'
import { pathSegmentAfter } from './h3-guards'
import { useLeitstand } from './leitstand'

/** Larger than any profile that its schema accepts. */
export const MAX_PROFILE_BYTES = 1_048_576
/** Base64 takes four bytes for three; indented JSON takes at most three times a profile's bytes. */
const TEXT_OF_PICTURES = 4 / 3
const TEXT_OF_PROFILES = 3

const STATUS: Record<string, number> = { 'device-unknown': 404, 'registry-full': 409, 'registry-unavailable': 503, 'picture-invalid': 415, 'picture-too-large': 413, 'file-invalid': 400 }

/** Answers with the registry's refusal, if there is one. */
export function refuse({ code, message, faults }: { code: string, message: string, faults?: Fault[] }): never {
  throw createError({ statusCode: STATUS[code] ?? 400, message, data: { code, ...(faults && { faults }) } })
}

/** Most bytes of a file with everything that the registry may contain. */
export function maxFileBytes(): number {
  const { registryBytes, picturesBytes } = useLeitstand().limits
  return Math.ceil(registryBytes * TEXT_OF_PROFILES + picturesBytes * TEXT_OF_PICTURES) + MAX_PROFILE_BYTES
}

/** The device named in the path, known or not: a device can be described before it is heard. */
export function requireDeviceName(event: H3Event): string {
  return requireName(pathSegmentAfter(event, '/api/devices/'), MAX_DEVICE_ID_LENGTH)
}

export function requireGroupName(event: H3Event): string {
  return requireName(pathSegmentAfter(event, '/api/groups/').trim(), MAX_LABEL_LENGTH)
}

function requireName(name: string, most: number): string {
  if (name.length > 0 && name.length <= most && !/\p{Cc}/u.test(name)) return name
  throw createError({ statusCode: 400, message: `A name has 1 to ${most} characters and no control characters.`, data: { code: 'name-invalid' } })
}
