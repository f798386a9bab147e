// Owns what a case is: something to say to the server, as plain data that can be kept in a file and said again.
import { z } from 'zod'

/** Whose session goes along. */
const AsSchema = z.enum(['admin', 'nobody'])

/** All bytes are base64. */
export const CaseSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('mqtt'), topic: z.string(), payload: z.base64(), qos: z.literal([0, 1, 2]), retain: z.boolean() }),
  /** A request that a client could send: path and headers as they go over the wire. */
  z.object({ kind: z.literal('http'), as: AsSchema, route: z.string(), method: z.string(), path: z.string(), headers: z.record(z.string(), z.string()), body: z.base64().nullable() }),
  /** Bytes that are hardly HTTP. */
  z.object({ kind: z.literal('bytes'), bytes: z.base64() }),
  /** An upgrade of the event stream, and the bytes of frames after it. */
  z.object({ kind: z.literal('socket'), as: AsSchema, query: z.string(), frames: z.array(z.base64()) }),
])
export type Case = z.infer<typeof CaseSchema>
export const KINDS = ['mqtt', 'http', 'bytes', 'socket'] as const satisfies readonly Case['kind'][]
export type CaseOf<Kind extends Case['kind']> = Extract<Case, { kind: Kind }>

const MOST_SHOWN = 300

export function toBase64(bytes: string | Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** A case for people, on one line. */
export function inWords(found: Case): string {
  const shown = (base64: string) => JSON.stringify(Buffer.from(base64, 'base64').toString('latin1')).slice(0, MOST_SHOWN)
  switch (found.kind) {
    case 'mqtt': return `${found.topic.slice(0, MOST_SHOWN)} ${shown(found.payload)} (QoS ${found.qos}${found.retain ? ', retained' : ''})`
    case 'http': return `${found.method} ${found.path.slice(0, MOST_SHOWN)} as ${found.as} ${JSON.stringify(found.headers)} ${found.body === null ? '' : shown(found.body)}`
    case 'bytes': return shown(found.bytes)
    case 'socket': return `/ws/events${found.query.slice(0, MOST_SHOWN)} as ${found.as}: ${found.frames.map(shown).join(', ')}`
  }
}
