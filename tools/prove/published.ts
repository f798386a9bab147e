// Docker publishes a port through networks that lead outside. Podman 4.3 does it through internal ones as well, in which a
// connection from outside gets no answer: those rules are emptied.
import { execFileSync } from 'node:child_process'
import { addressIn } from './addresses.ts'
import type { Compose } from './compose-file.ts'

const RULE = /^-A (CNI-DN-\w+) .*--to-destination ([\d.]+):\d+$/gm

/** Call it when the service has been started. */
export function publishOutsideOnly(compose: Compose, service: string) {
  const { networks = {}, ports = [] } = compose.services[service] ?? {}
  if (ports.length === 0) return
  const internal = Object.keys(networks).map(network => addressIn(compose, network, service))
  for (const [, chain = '', address] of execFileSync('iptables', ['-t', 'nat', '-S'], { encoding: 'utf8' }).matchAll(RULE)) {
    if (internal.includes(address)) execFileSync('iptables', ['-t', 'nat', '-F', chain])
  }
}
