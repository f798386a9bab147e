import type { Duplex } from 'node:stream'
import type { RefusalReason } from '#shared/schemas/refusal'

/** `kind`: one of several of the same reason. */
interface ClientFault { status: number, reason: RefusalReason, message: string, kind?: string }

const FAULTS: Record<string, ClientFault> = {
  HPE_HEADER_OVERFLOW: { status: 431, reason: 'headers-too-large', message: 'The headers of the request are larger than NUXT_LIMITS_HEADER_BYTES.' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, reason: 'body-too-large', message: 'The extensions of a chunk are too large.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: 'request-too-slow', message: 'The request took longer than NUXT_LIMITS_HEADER_SECONDS or NUXT_LIMITS_REQUEST_SECONDS.' },
}
const MALFORMED: ClientFault = { status: 400, reason: 'request-malformed', message: 'This is no HTTP request.' }

const TLS: ClientFault = {
  status: 400,
  reason: 'request-malformed',
  kind: 'tls',
  message: 'A client spoke HTTPS to this port, which speaks HTTP: use http://, or have a proxy with a certificate in front.',
}
/** The first byte of a TLS handshake. */
const HANDSHAKE = 0x16

/**
 * The client's mistake behind an error of its connection; undefined when it has only closed, or never sent anything
 * (browsers connect in advance).
 */
export function clientError(error: Error, socket: Duplex): ClientFault | undefined {
  const code = 'code' in error ? String(error.code) : ''
  if ('bytesRead' in socket && socket.bytesRead === 0) return undefined
  if ('rawPacket' in error && error.rawPacket instanceof Uint8Array && error.rawPacket[0] === HANDSHAKE) return TLS
  return FAULTS[code] ?? (code.startsWith('HPE_') ? MALFORMED : undefined)
}
