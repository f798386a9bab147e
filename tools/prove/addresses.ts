// Names in internal networks. Docker resolves them there; podman 4.3 does not, so they are written into each container's
// hosts file, and each container gets a fixed address.
import type { Compose } from './compose-file.ts'

/** Of networks whose range the file leaves open; the third number tells them apart. */
const OWN_RANGE = '10.213'
const FIRST_HOST = 130

/** The range of an internal network that has none in the file. */
export const subnetOf = (compose: Compose, network: string) => `${OWN_RANGE}.${Object.keys(compose.networks).indexOf(network)}.0/24`

/** The address of a service in an internal network; undefined in any other network, where podman gives one itself. */
export function addressIn(compose: Compose, network: string, service: string): string | undefined {
  const described = compose.networks[network]
  if (!described?.internal) return undefined
  const fixed = compose.services[service]?.networks[network]?.ipv4_address
  if (fixed) return fixed
  const [range] = described.ipam?.config ?? []
  const prefix = (range?.subnet ?? subnetOf(compose, network)).replace(/\d+\/24$/, '')
  return `${prefix}${FIRST_HOST + Object.keys(compose.services).indexOf(service)}`
}

/** `name:address` of every service that the given one shares an internal network with. */
export function internalHosts(compose: Compose, service: string): string[] {
  return Object.keys(compose.services[service]?.networks ?? {}).flatMap(network =>
    Object.entries(compose.services).flatMap(([other, { networks }]) => {
      const address = other !== service && networks[network] && addressIn(compose, network, other)
      return address ? [other, ...networks[network]?.aliases ?? []].map(name => `${name}:${address}`) : []
    }))
}
