import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { Provider } from 'oidc-provider'
import type { Configuration } from 'oidc-provider'
import { onTestFinished } from 'vitest'
import { freePort } from '../../../tools/programs/free-port'
import type { Env } from './app'

export const CLIENT_ID = 'leitstand'
export const CLIENT_SECRET = 'a secret of the client, long enough for anything'

/** What the provider says of a person: its claims. */
export type Claims = Record<string, unknown>

export interface IdentityProvider {
  issuer: string
  /** By subject; may change at any time. */
  people: Map<string, Claims>
  /** Every request as `GET /path?query`. */
  requests: string[]
  /** May change what the token endpoint answers with. */
  tamper: (answer: Record<string, unknown>) => void
  /** Answers 503 to everything. */
  isSick: boolean
  /** Begins to listen; people of these sites may sign in. */
  start: (...sites: string[]) => Promise<void>
  stop: () => Promise<void>
}

/** Settings of an application whose people sign in there. */
export function withProvider({ issuer }: IdentityProvider, env: Env = {}): Env {
  return {
    NUXT_OIDC_ISSUER: issuer,
    NUXT_OIDC_CLIENT_ID: CLIENT_ID,
    NUXT_OIDC_CLIENT_SECRET: CLIENT_SECRET,
    NUXT_OIDC_LABEL: 'Plant login',
    NUXT_OIDC_ROLES: 'watchers=viewer, leitstand operators=operator, admins=admin',
    ...env,
  }
}

/**
 * A real OpenID Connect provider that insists on PKCE. Its name is another site than 127.0.0.1, where the application is: browsers treat
 * its answers as they would elsewhere. Stopped when the test ends.
 */
export async function makeProvider(more: Configuration = {}): Promise<IdentityProvider> {
  const port = await freePort()
  let server: Server | undefined
  const idp: IdentityProvider = {
    issuer: `http://localhost:${port}`,
    people: new Map(),
    requests: [],
    tamper: () => {},
    isSick: false,
    async start(...sites) {
      const provider = quietly(() => createProvider(idp, sites, more))
      const answer = provider.callback()
      server = createServer((req, res) => {
        idp.requests.push(`${req.method} ${req.url}`)
        if (idp.isSick) res.writeHead(503).end()
        else if (req.url?.startsWith('/interaction/')) void interact(provider, req, res)
        else void answer(req, res)
      }).listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    async stop() {
      const stopping = server
      server = undefined
      if (!stopping) return
      const closed = once(stopping, 'close')
      stopping.close()
      stopping.closeAllConnections()
      await closed
    },
  }
  onTestFinished(idp.stop)
  return idp
}

function createProvider(idp: IdentityProvider, sites: readonly string[], more: Configuration): Provider {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const provider: Provider = new Provider(idp.issuer, {
    clients: [{
      client_id: CLIENT_ID,
      client_secret: CLIENT_SECRET,
      redirect_uris: sites.map(site => `${site}/api/oidc/callback`),
      post_logout_redirect_uris: sites.map(site => `${site}/login`),
    }],
    jwks: { keys: [privateKey.export({ format: 'jwk' })] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    pkce: { required: () => true },
    claims: { profile: ['preferred_username', 'groups'], email: ['email'] },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { logoutSource: (ctx, form) => { ctx.body = page(`${form}<button type="submit" form="op.logoutForm" value="yes" name="logout">Sign out</button>`) } },
    },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId, ...idp.people.get(accountId) }) }),
    // Nobody is asked whether the application may know who it is.
    async loadExistingGrant({ oidc }) {
      const before = oidc.session?.grantIdFor(CLIENT_ID)
      if (before) return provider.Grant.find(before)
      const grant = new provider.Grant({ clientId: CLIENT_ID, accountId: oidc.session?.accountId ?? '' })
      grant.addOIDCScope('openid profile email')
      await grant.save()
      return grant
    },
    renderError(ctx, { error, error_description }) {
      ctx.body = page(`<h1>${error}</h1><p>${error_description}</p>`)
    },
    ...more,
  })
  provider.use(async (ctx, next) => {
    await next()
    if (ctx.path === '/token' && typeof ctx.body === 'object' && ctx.body !== null) idp.tamper(Object(ctx.body))
  })
  return provider
}

/** It warns that it keeps everything in memory, which is as it should be here. */
function quietly<T>(make: () => T): T {
  const { warn } = console
  console.warn = () => {}
  try {
    return make()
  }
  finally {
    console.warn = warn
  }
}

/** Its page for signing in: whoever writes a subject is that. */
async function interact(provider: Provider, req: IncomingMessage, res: ServerResponse) {
  if (req.method === 'GET') {
    res.writeHead(200, { 'content-type': 'text/html' })
    res.end(page(`<form method="post"><label>Subject <input name="subject"></label><button>Go on</button><button name="deny" value="yes">Cancel</button></form>`))
    return
  }
  const form = new URLSearchParams(await text(req))
  const result = form.get('deny') ? { error: 'access_denied', error_description: 'not today\nnor tomorrow' } : { login: { accountId: form.get('subject') ?? '' } }
  await provider.interactionFinished(req, res, result)
}

function page(body: string): string {
  return `<!doctype html><html lang="en"><head><title>Provider</title></head><body>${body}</body></html>`
}
