import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

/** Names for ranges of addresses, for proxies whose own address is not known in advance (in a container network). */
const RANGES: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/**
 * Copies what a trusted proxy reports into the request: address, host and protocol are then in `x-forwarded-for`,
 * `host` and `x-forwarded-proto`, each with one value. Such headers from other clients are removed, so that no code
 * behind the request guard can believe them.
 */
export function createForwarding(trusted: readonly string[]) {
  const isTrusted = createTrust(trusted)

  return (request: IncomingMessage) => {
    const { headers, socket } = request
    if (PASSED_ON.some(name => headers[name] !== undefined)) passedOn.add(request)
    const peer = plainAddress(socket.remoteAddress ?? '')
    const believed = trusted.length > 0 && isTrusted(peer)
    const protocol = believed ? lastOf(headers['x-forwarded-proto']) : undefined
    const isSecure = 'encrypted' in socket || protocol === 'https' || protocol === 'wss'
    const host = believed ? forwardedHost(headers, isSecure) : undefined
    headers['x-forwarded-for'] = believed ? clientAddress(partsOf(headers['x-forwarded-for']), peer, isTrusted) : peer
    if (isSecure) headers['x-forwarded-proto'] = 'https'
    else delete headers['x-forwarded-proto']
    if (host) {
      headers.host = host.address
      if (host.others) otherHosts.set(request, host.others)
    }
    for (const name of OTHERS) Reflect.deleteProperty(headers, name)
  }
}

/** Headers of a request that was forwarded. */
const PASSED_ON = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']
const passedOn = new WeakSet<IncomingMessage>()

/** Whether a request was forwarded, by a trusted proxy or not. */
export function isPassedOn(request: IncomingMessage): boolean {
  return passedOn.has(request)
}

/** Other hosts by which the request may have been sent, as a trusted proxy reports them. */
export interface OtherHosts {
  /** The name alone, as `proxy_set_header Host $host` forwards it. */
  name: string
  /** The same name with the port from `Host`, if another port was reported beside it. */
  asked: string | undefined
}
const otherHosts = new WeakMap<IncomingMessage, OtherHosts>()

/** Undefined: the host stays as it was sent. */
export function otherHostsOf(request: IncomingMessage): OtherHosts | undefined {
  return otherHosts.get(request)
}

/**
 * Host and port as a trusted proxy reports them: the port is in the host, or beside it, or follows from the protocol.
 */
function forwardedHost(
  headers: IncomingMessage['headers'],
  isSecure: boolean,
): { address: string, others?: OtherHosts } | undefined {
  const host = headers.host?.toLowerCase()
  const forwarded = lastOf(headers['x-forwarded-host']) ?? host
  if (forwarded === undefined) return undefined
  if (HAS_PORT.test(forwarded)) return { address: forwarded }
  const asked = host !== forwarded && host?.replace(HAS_PORT, '') === forwarded ? host : undefined
  const port = lastOf(headers['x-forwarded-port'])
  const isUsable = port !== undefined && PORT.test(port) && Number(port) <= MAX_PORT
  const named = port === (isSecure ? '443' : '80') ? forwarded : `${forwarded}:${port}`
  return { address: isUsable ? named : asked ?? forwarded, others: { name: forwarded, asked } }
}

const HAS_PORT = /:\d+$/
const PORT = /^[1-9]\d{0,4}$/
const MAX_PORT = 65_535

/** Headers from which libraries might take a false origin or target of a request. */
const OTHERS = ['x-forwarded-host', 'x-forwarded-port', 'x-forwarded-server', 'x-forwarded-ssl', 'x-forwarded-scheme', 'x-real-ip', 'x-client-ip', 'cf-connecting-ip', 'true-client-ip', 'forwarded']

/** The nearest address that is no trusted proxy: anybody may have written the addresses before it. */
function clientAddress(chain: readonly string[], peer: string, isTrusted: (address: string) => boolean): string {
  let nearest = peer
  for (const part of chain.toReversed()) {
    const address = plainAddress(part)
    if (isIP(address) === 0) break
    nearest = address
    if (!isTrusted(address)) break
  }
  return nearest
}

function createTrust(trusted: readonly string[]) {
  const list = new BlockList()
  for (const range of trusted.flatMap(word => RANGES[word] ?? [word])) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address: string): boolean => {
    const family = isIP(address)
    return family > 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}

/** `::ffff:10.0.0.1`, `10.0.0.1:4711` -> `10.0.0.1`; `[::1]:4711` -> `::1` */
function plainAddress(text: string): string {
  return text.trim().replace(/^::ffff:(?=\d+\.)/i, '').replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1')
}

function partsOf(header: string | string[] | undefined): string[] {
  return String(header ?? '').split(',').map(part => part.trim()).filter(Boolean)
}

/** A proxy that adds to a header adds at its end. */
function lastOf(header: string | string[] | undefined): string | undefined {
  return partsOf(header).at(-1)?.toLowerCase()
}
