// Owns signing in at an OpenID Connect provider: where to send the browser, and which user comes back. Promises that a
// user enters only if the provider has just named it to this very browser, and that everything has a limit. Never
// knows accounts, routes or headers.
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

const LOG_EVERY_MS = 60_000

export interface Beginning {
  /** Where the provider is to send the browser. */
  redirectUri: string
  /** Path of this site to continue with. */
  to: string
  address: string
  /** The value of the cookie that binds sign-ins to the browser. */
  cookie: string | undefined
}

/** A user named by the provider; without a role it may not enter. */
export interface Named { identity: Identity, role: Role | undefined, idToken: string }

/** Where the browser wanted to go, and its new cookie. */
export interface Finish { to: string, cookie: string }

export type Oidc = ReturnType<typeof createOidc>

export interface OidcOptions {
  settings: OidcSettings
  /** A line for the operator. */
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
  const loggedAt = new Map<OidcFault['code'], number>()

  /** Failures can be frequent: the log gets each kind once a minute. */
  function logged(fault: OidcFault): OidcFault {
    if (now() - (loggedAt.get(fault.code) ?? -Infinity) < LOG_EVERY_MS) return fault
    loggedAt.set(fault.code, now())
    warn(`Signing in at ${label} failed (${fault.code}): ${fault.reason}.`)
    return fault
  }

  /** @throws the errors of the library. */
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
    /** The provider's name. */
    label,
    /** Lifetime of the cookie in seconds. */
    cookieSeconds: FLOW_MS / 1_000,
    /** Starts a sign-in: where to send the browser, and the cookie that it must bring back. */
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
        return logged(faultFrom(error))
      }
    },
    /** Ends a sign-in with what the browser brought: `search` is the query of its address, unchanged. */
    async finish(search: string, state: string, before: string | undefined): Promise<(Named | OidcFault) & Finish> {
      const taken = flows.take(state, before)
      if (!taken) return { code: 'provider-expired', reason: 'no sign-in of this browser is under way', to: '/', cookie: before ?? '' }
      const { flow, cookie } = taken
      const end: Finish = { to: flow.to, cookie }
      try {
        return { ...await exchange(new URL(flow.redirectUri + search), state, flow), ...end }
      }
      catch (error) {
        return { ...logged(faultFrom(error)), ...end }
      }
    },
    /** Stores the ID token of a session (by its key): the provider needs it for signing out. */
    remember: hints.add,
    forget: hints.remove,
    hintOf: hints.get,
    /**
     * Where the browser signs out at the provider and returns to `returnTo`; null: the provider has no such page, or
     * does not answer.
     */
    async signOutUrl(idToken: string | undefined, returnTo: string): Promise<string | null> {
      try {
        const { library, config } = await provider()
        if (!config.serverMetadata().end_session_endpoint) return null
        return library.buildEndSessionUrl(config, { post_logout_redirect_uri: returnTo, ...(idToken && { id_token_hint: idToken }) }).href
      }
      catch (error) {
        logged(faultFrom(error))
        return null
      }
    },
  }
}

/** Without `openid` there would be no ID token. */
function scopesOf(text: string): string {
  return [...new Set(['openid', ...listOf(text)])].join(' ')
}
