import { createError } from 'h3'
import type { H3Event } from 'h3'
import type { z } from 'zod'
import { MAX_FAULTS } from '#shared/schemas/error'
import type { Fault } from '#shared/schemas/error'
import { fieldPath } from '#shared/text/field-path'
import { useShell } from './shell'

/** The JSON body of a request in the requested shape, or a 4xx that names every wrong field. */
export async function requireBody<T extends z.ZodType>(event: H3Event, schema: T, maxBytes: number): Promise<z.output<T>> {
  const value = parseJson(await requireBytes(event, maxBytes))
  const result = schema.safeParse(value)
  const faults = result.success
    ? unknownFields(value, result.data).map(path => ({ path: fieldPath(path), message: 'is not known' }))
    : result.error.issues.map(({ path, message }) => ({ path: fieldPath(path), message }))
  if (result.success && faults.length === 0) return result.data
  throw bodyInvalid('The request has fields that cannot be taken.', faults)
}

/** The body of a request as it is; 413 when it is larger. */
export async function requireBytes(event: H3Event, maxBytes: number): Promise<Buffer> {
  const { req } = event.node
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  const chunks: Buffer[] = []
  let length = 0
  // Destroying the request would also close the connection for our response.
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false })) {
      const bytes: Buffer = chunk
      length += bytes.length
      if (length > maxBytes) throw tooLarge(maxBytes)
      chunks.push(bytes)
    }
  }
  catch (error) {
    // Closed, or cut off because it took too long: nothing to log.
    throw req.destroyed && !req.complete ? bodyInvalid('The request ended before it was complete.') : error
  }
  return Buffer.concat(chunks)
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  }
  catch (error) {
    throw bodyInvalid(`The request is not JSON: ${error instanceof Error ? error.message : 'it cannot be read'}.`)
  }
}

function bodyInvalid(message: string, faults?: Fault[]) {
  return createError({ statusCode: 400, message, data: { code: 'body-invalid', ...(faults && { faults: faults.slice(0, MAX_FAULTS) }) } })
}

function tooLarge(maxBytes: number) {
  const message = `At most ${maxBytes} bytes can be sent here.`
  useShell().count('body-too-large', message)
  return createError({ statusCode: 413, message, data: { code: 'too-large' } })
}

/** Unknown fields: a mistyped name must not be ignored silently. */
function unknownFields(sent: unknown, taken: unknown, path: PropertyKey[] = []): PropertyKey[][] {
  if (typeof sent !== 'object' || sent === null || typeof taken !== 'object' || taken === null) return []
  return Object.entries(sent).flatMap(([key, value]) => {
    const place = [...path, Array.isArray(sent) ? Number(key) : key]
    return Object.hasOwn(taken, key) ? unknownFields(value, Reflect.get(taken, key), place) : [place]
  })
}
