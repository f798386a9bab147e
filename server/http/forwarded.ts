import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

/** Words for ranges of addresses, for proxies whose own address is not known beforehand (in a container network). */
const RANGES: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/**
 * Makes what a trusted proxy says of a request what the request says: its address, host and protocol then stand in
 * `x-forwarded-for`, `host` and `x-forwarded-proto`, each with one value. What anybody else claims there is taken away, so that
 * nothing behind the door can believe it.
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
    const host = believed ? hostSaid(headers, isSecure) : undefined
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

/** What is there when somebody has passed a request on for somebody else. */
const PASSED_ON = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']
const passedOn = new WeakSet<IncomingMessage>()

/** Whether somebody, trusted or not, has passed on a request that came through the door. */
export function isPassedOn(request: IncomingMessage): boolean {
  return passedOn.has(request)
}

/** What else a request may have been asked for by, as a believed proxy hands it on. */
export interface OtherHosts {
  /** The name alone, as `proxy_set_header Host $host` hands it on. */
  name: string
  /** The same name with the port that stands in `Host`, where another was said beside it. */
  asked: string | undefined
}
const otherHosts = new WeakMap<IncomingMessage, OtherHosts>()

/** Undefined: the host stands as it was asked for. */
export function otherHostsOf(request: IncomingMessage): OtherHosts | undefined {
  return otherHosts.get(request)
}

/** Host and port as a believed proxy says them: the port stands in the host, or beside it, or is that of the protocol. */
function hostSaid(headers: IncomingMessage['headers'], isSecure: boolean): { address: string, others?: OtherHosts } | undefined {
  const host = headers.host?.toLowerCase()
  const said = lastOf(headers['x-forwarded-host']) ?? host
  if (said === undefined) return undefined
  if (HAS_PORT.test(said)) return { address: said }
  const asked = host !== said && host?.replace(HAS_PORT, '') === said ? host : undefined
  const port = lastOf(headers['x-forwarded-port'])
  const isUsable = port !== undefined && PORT.test(port) && Number(port) <= MAX_PORT
  const named = port === (isSecure ? '443' : '80') ? said : `${said}:${port}`
  return { address: isUsable ? named : asked ?? said, others: { name: said, asked } }
}

const HAS_PORT = /:\d+$/
const PORT = /^[1-9]\d{0,4}$/
const MAX_PORT = 65_535

/** Headers by which libraries might take another's word for where a request comes from and goes to. */
const OTHERS = ['x-forwarded-host', 'x-forwarded-port', 'x-forwarded-server', 'x-forwarded-ssl', 'x-forwarded-scheme', 'x-real-ip', 'x-client-ip', 'cf-connecting-ip', 'true-client-ip', 'forwarded']

/** The nearest address that is no trusted proxy: what lies before it anybody may have written. */
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
