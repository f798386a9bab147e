import { OidcLoginQuerySchema } from '#shared/schemas/access'
import { safePath } from '#shared/api/access'

/** `GET /api/oidc/login?to=` -> 302 to the identity provider, or back to the page for signing in when it does not answer */
export default defineEventHandler(async (event) => {
  const oidc = requireOidc()
  const to = safePath(requireQuery(event, OidcLoginQuerySchema).to)
  const begun = await oidc.begin({ redirectUri: publicUrl(event, 'api/oidc/callback'), to, address: visitorFor(event).address, cookie: flowCookie(event) })
  if ('code' in begun) return leadBack(event, begun.code, to)
  // It is noted when it has ended.
  event.context.outcome = { status: 302, isNoted: false }
  setFlowCookie(event, begun.cookie, oidc.cookieSeconds)
  return leadTo(event, begun.url)
})
