import { network } from '../throttle'
import { digest, isSame, makeSecret } from '../secrets'

/** How long somebody may take at the provider. */
export const FLOW_MS = 600_000
/** Sign-ins under way at once, in all and from one network; one more ends the oldest. */
export const MAX_FLOWS = 1_000
export const MAX_FLOWS_PER_NETWORK = 100
/** Tabs of one browser that may sign in at once: their secrets stand in one cookie. */
const MAX_FLOWS_PER_BROWSER = 4

/** What has to be remembered of a sign-in until the browser comes back from the provider. */
export interface Flow {
  nonce: string
  /** Of PKCE. */
  verifier: string
  /** Where the provider sends the browser. */
  redirectUri: string
  /** Path of this site to go on with. */
  to: string
}

interface Held extends Flow { secretDigest: string, from: string, expiresAt: number }

/**
 * Sign-ins under way, by `state`. Each can be finished once, within {@link FLOW_MS}, and only by the browser that has the secret it was
 * begun with.
 */
export function createFlows(now: () => number) {
  // Oldest first: all last equally long.
  const held = new Map<string, Held>()

  function makeRoom(from: string) {
    for (const [state, { expiresAt }] of held) {
      if (expiresAt > now()) break
      held.delete(state)
    }
    const near = [...held].filter(([, flow]) => flow.from === from).map(([state]) => state)
    for (const state of near.slice(0, Math.max(0, near.length - MAX_FLOWS_PER_NETWORK + 1))) held.delete(state)
    for (const oldest of held.keys()) {
      if (held.size < MAX_FLOWS) break
      held.delete(oldest)
    }
  }

  return {
    /** Keeps a flow; `cookie` is what the browser held before, the answer what it should hold from now on. */
    add(state: string, flow: Flow, address: string, cookie = ''): string {
      const from = network(address)
      makeRoom(from)
      const secret = makeSecret()
      held.set(state, { ...flow, secretDigest: digest(secret), from, expiresAt: now() + FLOW_MS })
      return [secret, ...secretsIn(cookie)].slice(0, MAX_FLOWS_PER_BROWSER).join('.')
    },
    /** The flow, once, and what the browser's cookie should hold afterwards; undefined when there is none for this state and this browser (any more). */
    take(state: string, cookie = ''): { flow: Flow, cookie: string } | undefined {
      const flow = held.get(state)
      const secrets = secretsIn(cookie)
      const others = secrets.filter(secret => !isSame(digest(secret), flow?.secretDigest ?? ''))
      if (!flow || flow.expiresAt <= now() || others.length === secrets.length) return undefined
      held.delete(state)
      return { flow, cookie: others.join('.') }
    },
    size: () => held.size,
  }
}

function secretsIn(cookie: string): string[] {
  return cookie.split('.').filter(part => /^[\w-]{43}$/.test(part)).slice(0, MAX_FLOWS_PER_BROWSER)
}
