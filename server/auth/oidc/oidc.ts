// Owns signing in at an OpenID Connect provider: where to send the browser, and whom it brings back. Promises that nobody comes in whom the
// provider has not named to this very browser a moment ago, and that nothing in it grows without a limit. Never knows accounts, routes or headers.
import type { Role } from '#shared/api/access'
import { readRoleMap, roleOf } from '#shared/api/role-map'
import { listOf } from '#shared/text/text-list'
import { createDiscovery, hostOf } from './client'
import type { OidcSettings } from './client'
import { faultFrom } from './faults'
import type { OidcFault } from './faults'
import { createFlows, FLOW_MS } from './flows'
import type { Flow } from './flows'
import { createHints } from './hints'
import { identityOf, isIncomplete } from './identity'
import type { Identity } from './identity'

const SAY_EVERY_MS = 60_000

export interface Beginning {
  /** Where the provider is to send the browser. */
  redirectUri: string
  /** Path of this site to go on with. */
  to: string
  address: string
  /** The value of the cookie that binds sign-ins to the browser. */
  cookie: string | undefined
}

/** Somebody whom the provider has named; without a role nobody may enter. */
export interface Named { identity: Identity, role: Role | undefined, idToken: string }

/** Where the browser wanted to go, and what its cookie should hold from now on. */
export interface Finish { to: string, cookie: string }

export type Oidc = ReturnType<typeof createOidc>

export interface OidcOptions {
  settings: OidcSettings
  /** A line for the person who runs it. */
  warn: (line: string) => void
  now?: () => number
}

export function createOidc({ settings, warn, now = Date.now }: OidcOptions) {
  const { groupsClaim, defaultRole } = settings
  const provider = createDiscovery(settings, now)
  const flows = createFlows(now)
  const hints = createHints()
  const roles = readRoleMap(settings.roles) ?? new Map<string, Role>()
  const label = settings.label || hostOf(settings.issuer)
  const saidAt = new Map<OidcFault['code'], number>()

  /** Whoever fails can do so often: the log has each kind once a minute. */
  function told(fault: OidcFault): OidcFault {
    if (now() - (saidAt.get(fault.code) ?? -Infinity) < SAY_EVERY_MS) return fault
    saidAt.set(fault.code, now())
    warn(`Signing in at ${label} failed (${fault.code}): ${fault.reason}.`)
    return fault
  }

  /** @throws what the library throws. */
  async function exchange(url: URL, state: string, { nonce, verifier }: Flow): Promise<Named> {
    const { library, config } = await provider()
    const tokens = await library.authorizationCodeGrant(config, url, { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true })
    const claims = tokens.claims()
    if (!claims || !tokens.id_token) throw new Error('it gave no ID token')
    const isMore = isIncomplete(claims, groupsClaim) && config.serverMetadata().userinfo_endpoint !== undefined
    const user = isMore ? await library.fetchUserInfo(config, tokens.access_token, claims.sub) : {}
    const identity = identityOf({ ...user, ...claims }, groupsClaim)
    return { identity, role: roleOf(identity.groups, roles) ?? (defaultRole === 'none' ? undefined : defaultRole), idToken: tokens.id_token }
  }

  return {
    /** What the provider is called. */
    label,
    /** Seconds for which the browser should keep the cookie. */
    cookieSeconds: FLOW_MS / 1_000,
    /** Begins a sign-in: where to send the browser, and the cookie that it has to bring back. */
    async begin({ redirectUri, to, address, cookie }: Beginning): Promise<{ url: string, cookie: string } | OidcFault> {
      try {
        const { library, config } = await provider()
        const [state, nonce, verifier] = [library.randomState(), library.randomNonce(), library.randomPKCECodeVerifier()]
        const url = library.buildAuthorizationUrl(config, {
          redirect_uri: redirectUri,
          scope: scopesOf(settings.scopes),
          state,
          nonce,
          code_challenge: await library.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        })
        return { url: url.href, cookie: flows.add(state, { nonce, verifier, redirectUri, to }, address, cookie) }
      }
      catch (error) {
        return told(faultFrom(error))
      }
    },
    /** Ends a sign-in with what the browser has brought: `search` is the query of its address as it came. */
    async finish(search: string, state: string, before: string | undefined): Promise<(Named | OidcFault) & Finish> {
      const taken = flows.take(state, before)
      if (!taken) return { code: 'provider-expired', reason: 'no sign-in of this browser is under way', to: '/', cookie: before ?? '' }
      const { flow, cookie } = taken
      const end: Finish = { to: flow.to, cookie }
      try {
        return { ...await exchange(new URL(flow.redirectUri + search), state, flow), ...end }
      }
      catch (error) {
        return { ...told(faultFrom(error)), ...end }
      }
    },
    /** Keeps the ID token of a session (by its key), by which the provider knows whom to sign out. */
    remember: hints.add,
    forget: hints.remove,
    hintOf: hints.get,
    /** Where the browser goes to sign out at the provider and come back to `returnTo`; null: it has no such place, or does not answer. */
    async signOutUrl(idToken: string | undefined, returnTo: string): Promise<string | null> {
      try {
        const { library, config } = await provider()
        if (!config.serverMetadata().end_session_endpoint) return null
        return library.buildEndSessionUrl(config, { post_logout_redirect_uri: returnTo, ...(idToken && { id_token_hint: idToken }) }).href
      }
      catch (error) {
        told(faultFrom(error))
        return null
      }
    },
  }
}

/** Without `openid` there would be no ID token. */
function scopesOf(text: string): string {
  return [...new Set(['openid', ...listOf(text)])].join(' ')
}
