// Talks to the provider through `openid-client`, which is loaded on the first sign-in: a server without a provider
// never loads it.
import type { Configuration, CustomFetchOptions } from 'openid-client'
import type { Role } from '#shared/api/access'

type Library = typeof import('openid-client')

/** The settings of the same names. */
export interface OidcSettings {
  issuer: string
  clientId: string
  clientSecret: string
  label: string
  scopes: string
  groupsClaim: string
  roles: string
  defaultRole: Role | 'none'
  timeoutSeconds: number
}

/** The provider's metadata is read again after this time. */
const METADATA_MS = 3_600_000
/** Most bytes of an answer of the provider. */
export const MAX_ANSWER_BYTES = 1_048_576
const WELL_KNOWN = '/.well-known/openid-configuration'

export interface Provider { library: Library, config: Configuration }

/** Reads the provider's metadata once for all callers; a failure is not cached. */
export function createDiscovery(settings: OidcSettings, now: () => number) {
  let found: { at: number, provider: Promise<Provider> } | undefined

  return (): Promise<Provider> => {
    if (found && now() - found.at < METADATA_MS) return found.provider
    const asked = { at: now(), provider: discover(settings) }
    found = asked
    asked.provider.catch(() => {
      if (found === asked) found = undefined
    })
    return asked.provider
  }
}

/** The name of the provider if none is configured. */
export function hostOf(issuer: string): string {
  return new URL(issuer).host
}

/** @throws the errors of the library, and a TypeError when nothing answers. */
async function discover({ issuer, clientId, clientSecret, timeoutSeconds }: OidcSettings): Promise<Provider> {
  const library = await import('openid-client')
  const address = bare(issuer)
  const isPlain = address.startsWith('http:')
  const config = await library.discovery(new URL(address + WELL_KNOWN), clientId, clientSecret || undefined, authentication(library, clientSecret), {
    timeout: timeoutSeconds,
    [library.customFetch]: boundedFetch,
    // The settings allow it on this machine only.
    execute: [library.enableNonRepudiationChecks, ...(isPlain ? [library.allowInsecureRequests] : [])],
  })
  const ownIssuer = config.serverMetadata().issuer
  // The library compares the issuer where it builds the address itself, but then a trailing slash would matter.
  if (bare(ownIssuer) !== address) throw new Error(`it calls itself ${ownIssuer} and not ${address}`)
  return { library, config }
}

/** In the header, as every provider must accept it, or in the body if the provider accepts nothing else. */
function authentication({ ClientSecretBasic, ClientSecretPost, None }: Library, secret: string) {
  if (!secret) return None()
  const [basic, post] = [ClientSecretBasic(secret), ClientSecretPost(secret)]
  return (...[provider, ...rest]: Parameters<typeof basic>) => {
    const methods = provider.token_endpoint_auth_methods_supported
    const isPost = methods && !methods.includes('client_secret_basic') && methods.includes('client_secret_post')
    return (isPost ? post : basic)(provider, ...rest)
  }
}

async function boundedFetch(url: string, { body: sent, ...options }: CustomFetchOptions): Promise<Response> {
  const { body, status, statusText, headers } = await fetch(url, { ...options, body: sent instanceof Uint8Array ? Buffer.from(sent) : sent })
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.length
    if (length > MAX_ANSWER_BYTES) throw new Error(`its answer has more than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return new Response(length === 0 ? null : new Blob(chunks), { status, statusText, headers })
}

/** `https://login.example/realms/plant/` and its well-known address -> `https://login.example/realms/plant` */
function bare(issuer: string): string {
  return issuer.replace(WELL_KNOWN, '').replace(/\/+$/, '')
}
