import { isIP } from 'node:net'
import { hostname } from 'node:os'

/**
 * Suffixes of names that nobody can register in the public DNS (RFC 6762, RFC 8375, and ICANN's reservation of
 * `internal`).
 */
const LOCAL_SUFFIXES = ['', '.local', '.lan', '.home.arpa', '.internal']

/**
 * Against DNS rebinding: a foreign page can let its own name point to this machine, but then the browser sends that
 * name. Known are addresses, the names of this machine, and those in `allowed`; `*` is every name.
 */
export function createHostCheck(allowed: readonly string[], machine = hostname()) {
  const names = new Set(['localhost', ...namesOfMachine(machine), ...allowed].map(name => name.toLowerCase()))
  return (host: string): boolean => {
    const name = nameOf(host)
    return name !== undefined && (names.has(name) || names.has('*') || isIP(name) > 0 || name.endsWith('.localhost'))
  }
}

/** `Name.local:3000` -> `name.local`; undefined if it is no host. */
function nameOf(host: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d{1,5})?$/i.exec(host) ?? []
  return bracketed ?? plain?.toLowerCase().replace(/\.$/, '')
}

function namesOfMachine(machine: string): string[] {
  const [short = machine] = machine.split('.')
  return [machine, ...LOCAL_SUFFIXES.map(suffix => short + suffix)]
}
