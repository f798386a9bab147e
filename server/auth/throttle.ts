const WINDOW_MS = 900_000
/** Within a quarter of an hour: wrong attempts for one name from one address, from one address, and for one name. */
const MOST = { both: 5, address: 20, name: 50 }
const MAX_KEYS = 10_000

interface Attempts { count: number, until: number }

/**
 * Limits attempts to sign in. An attempt counts before it is checked, so parallel attempts do not bypass the limit; a
 * successful one is given back. The number of entries is limited: the oldest is dropped.
 */
export function createThrottle(now: () => number) {
  const held = new Map<string, Attempts>()

  function attemptsOf(key: string): Attempts {
    const found = held.get(key)
    if (found && found.until > now()) return found
    const fresh = { count: 0, until: now() + WINDOW_MS }
    held.delete(key)
    held.set(key, fresh)
    for (const oldest of held.keys()) {
      if (held.size <= MAX_KEYS) break
      held.delete(oldest)
    }
    return fresh
  }

  function keysOf(name: string, address: string): [key: string, most: number][] {
    const from = network(address)
    return [[`both ${from} ${name}`, MOST.both], [`address ${from}`, MOST.address], [`name ${name}`, MOST.name]]
  }

  return {
    /** Counts an attempt; seconds to wait when there were too many, else 0. */
    attempt(name: string, address: string): number {
      const counted = keysOf(name, address).map(([key, most]) => ({ attempts: attemptsOf(key), most }))
      const waits = counted.filter(({ attempts, most }) => attempts.count >= most).map(({ attempts }) => attempts.until - now())
      if (waits.length > 0) return Math.ceil(Math.max(...waits) / 1_000)
      for (const { attempts } of counted) attempts.count++
      return 0
    },
    /** It was successful. */
    forgive(name: string, address: string) {
      for (const [key] of keysOf(name, address)) {
        const attempts = held.get(key)
        if (attempts) attempts.count--
      }
    },
    size: () => held.size,
  }
}

/** An IPv6 user has a whole network of addresses. */
export function network(address: string): string {
  if (!address.includes(':')) return address
  const [head = ''] = address.split('::')
  return head.split(':').slice(0, 4).join(':')
}
