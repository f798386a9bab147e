import { network } from '../throttle'
import { digest, isSame, makeSecret } from '../secrets'

/** How long a sign-in at the provider may take. */
export const FLOW_MS = 600_000
/** Sign-ins in progress, in all and from one network; one more ends the oldest. */
export const MAX_FLOWS = 1_000
export const MAX_FLOWS_PER_NETWORK = 100
/** Tabs of one browser that may sign in at once: their secrets share one cookie. */
const MAX_FLOWS_PER_BROWSER = 4

/** What is stored of a sign-in until the browser returns from the provider. */
export interface Flow {
  nonce: string
  /** Of PKCE. */
  verifier: string
  /** Where the provider sends the browser. */
  redirectUri: string
  /** Path of this site to continue with. */
  to: string
}

interface Held extends Flow { secretDigest: string, from: string, expiresAt: number }

/**
 * Sign-ins in progress, by `state`. Each can be finished once, within {@link FLOW_MS}, and only by the browser with
 * the secret it started with.
 */
export function createFlows(now: () => number) {
  // Oldest first: all have the same lifetime.
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
    /** Stores a flow; `cookie` is the browser's cookie so far, the result its new cookie. */
    add(state: string, flow: Flow, address: string, cookie = ''): string {
      const from = network(address)
      makeRoom(from)
      const secret = makeSecret()
      held.set(state, { ...flow, secretDigest: digest(secret), from, expiresAt: now() + FLOW_MS })
      return [secret, ...secretsIn(cookie)].slice(0, MAX_FLOWS_PER_BROWSER).join('.')
    },
    /**
     * The flow, once, and the browser's new cookie; undefined when there is none for this state and this browser (any
     * more).
     */
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
