import type { BrokerCode } from '#shared/schemas/health'

/** Why there is no connection: the stable code, and a sentence that says what to do. */
export interface Fault { code: BrokerCode, reason: string }

/** CONNACK codes of MQTT 3.1.1 (1-5) and MQTT 5 (128 and up), and DISCONNECT codes of MQTT 5. */
const REASON_CODES: Record<number, Fault> = {
  1: { code: 'protocol-refused', reason: 'The broker does not speak this version of MQTT.' },
  2: { code: 'client-id-refused', reason: 'The broker refused the client id; set another with NUXT_MQTT_CLIENT_ID.' },
  3: { code: 'refused', reason: 'The broker says that it is not available.' },
  4: { code: 'login-refused', reason: 'The broker refused the login; check NUXT_MQTT_USERNAME and NUXT_MQTT_PASSWORD.' },
  5: { code: 'not-authorized', reason: 'The broker refused the login: not authorised. Check NUXT_MQTT_USERNAME and NUXT_MQTT_PASSWORD and the broker’s access list.' },
  137: { code: 'refused', reason: 'The broker is too busy to accept the connection.' },
  138: { code: 'not-authorized', reason: 'The broker has banned this client.' },
  139: { code: 'lost', reason: 'The broker is shutting down.' },
  141: { code: 'lost', reason: 'The broker heard nothing from us for too long and closed the connection.' },
  142: { code: 'taken-over', reason: 'Another client connected with the same client id; give each application its own with NUXT_MQTT_CLIENT_ID.' },
  149: { code: 'lost', reason: 'The broker closed the connection: a packet was too large.' },
  152: { code: 'lost', reason: 'The connection was closed by the broker’s administrator.' },
}
const SAME_IN_MQTT_5: Record<number, number> = { 132: 1, 133: 2, 136: 3, 134: 4, 135: 5 }

/** What an MQTT reason code of a CONNACK or DISCONNECT means. */
export function faultOfReasonCode(reasonCode: number): Fault {
  return REASON_CODES[SAME_IN_MQTT_5[reasonCode] ?? reasonCode]
    ?? { code: 'refused', reason: `The broker refused the connection (MQTT reason code ${reasonCode}).` }
}

const UNREACHABLE: Record<string, string> = {
  ECONNREFUSED: 'Nothing answers at the broker’s address: is the broker running?',
  ECONNRESET: 'The broker closed the connection at once.',
  ETIMEDOUT: 'The broker does not answer: check the address and the firewall.',
  EHOSTUNREACH: 'There is no way to the broker’s host.',
  ENETUNREACH: 'There is no way to the broker’s network.',
}
const TLS_ERROR = /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_|EPROTO/

/** MQTT.js or the WebSocket received something that is not their protocol. */
const OTHER_PROTOCOL = /header flag bits|cannot parse packet|unknown (?:packet|property)|^HPE_|Parse Error|server response: \d/i
const NO_TLS = /wrong version number|packet length too long|http request/i
const PLAIN_OR_OTHER_PORT = 'set NUXT_MQTT_URL to mqtt:// (ws:// for WebSocket), or to the port at which the broker expects TLS (often 8883)'

/**
 * The meaning of an error of MQTT.js, the socket or TLS. Its own message is quoted only if it contains no path.
 * @param tried The address, while it has not answered yet.
 */
export function faultOfError(error: Error, tried = ''): Fault {
  const code = 'code' in error ? error.code : undefined
  if (typeof code === 'number') return faultOfReasonCode(code)
  const name = typeof code === 'string' ? code : ''
  if (NO_TLS.test(error.message)) return { code: 'tls-failed', reason: `What answers at the broker’s address speaks no TLS there: ${PLAIN_OR_OTHER_PORT}.` }
  if (name === 'ECONNRESET' && isTls(tried)) {
    return { code: 'tls-failed', reason: `The broker closed the connection instead of a TLS handshake, so it most likely expects none there: ${PLAIN_OR_OTHER_PORT}.` }
  }
  if (TLS_ERROR.test(name)) {
    return { code: 'tls-failed', reason: `The TLS handshake with the broker failed (${name}); check NUXT_MQTT_CA_FILE, NUXT_MQTT_CERT_FILE and the broker’s host name.` }
  }
  if (name === 'ENOTFOUND' || name === 'EAI_AGAIN') {
    return { code: 'host-unknown', reason: 'The broker’s host name is not known; check NUXT_MQTT_URL.' }
  }
  if (error.message.includes('connack timeout') || (tried && OTHER_PROTOCOL.test(`${name} ${error.message}`))) return OTHER_SPEAKER
  if (error.message.includes('Keepalive timeout')) return { code: 'lost', reason: 'The broker has stopped answering.' }
  return { code: 'unreachable', reason: UNREACHABLE[name] ?? `The connection to the broker failed${name && ` (${name})`}.` }
}

export const CONNECTION_CLOSED: Fault = { code: 'lost', reason: 'The broker closed the connection.' }
export const CLOSED_AT_ONCE: Fault = { code: 'refused', reason: 'The broker closed the connection without an answer; check the address, the login and whether it expects TLS.' }
const OTHER_SPEAKER: Fault = { code: 'unreachable', reason: 'Something answers at the broker’s address, but it does not speak MQTT.' }
export const EXPECTS_TLS: Fault = {
  code: 'tls-failed',
  reason: 'The broker expects TLS at this port: set NUXT_MQTT_URL to mqtts:// (wss:// for WebSocket), and NUXT_MQTT_CA_FILE where an authority of your own has signed its certificate.',
}

/** Whether the broker closed the connection, and not because it stops. */
export function isBrokers(fault: Fault): boolean {
  return fault === CONNECTION_CLOSED || fault.code === 'taken-over' || fault.reason === UNREACHABLE.ECONNRESET
}

/** Most brokers just close a connection whose client id another client has taken. */
export function twinOf(clientId: string): Fault {
  return {
    code: 'taken-over',
    reason: `The broker closes each connection soon after it has let us in: another client uses the name ${clientId}. Give each application its own with NUXT_MQTT_CLIENT_ID.`,
  }
}

export function isTls(url: string): boolean {
  return /^(?:mqtts|wss):/i.test(url)
}

/** Whether this is typical for a server that does not speak TLS where it is expected. */
export function mayExpectTls(fault: Fault): boolean {
  return fault === CLOSED_AT_ONCE || fault === OTHER_SPEAKER || fault.reason === UNREACHABLE.ECONNRESET
}
