import { OidcCallbackQuerySchema } from '#shared/schemas/access'

/**
 * `GET /api/oidc/callback?state=&code=` from the identity provider -> 302 to the original path, with a session, or to
 * the page that shows why not
 */
export default defineEventHandler(async (event) => {
  const oidc = requireOidc()
  const { accounts } = useLeitstand()
  const [, search = ''] = /^[^?]*(\?.*)?$/s.exec(event.node.req.originalUrl ?? '') ?? []
  const { state = '' } = requireQuery(event, OidcCallbackQuerySchema)
  const { to, cookie, ...named } = await oidc.finish(search, state, flowCookie(event))
  setFlowCookie(event, cookie, oidc.cookieSeconds)
  if ('code' in named) return leadBack(event, named.code, to)
  const { identity: { issuer, subject, name }, role, idToken } = named
  event.context.target = name
  if (role === undefined) {
    await accounts.suspend(issuer, subject)
    return leadBack(event, 'provider-no-role', to)
  }
  const begun = await accounts.loginExternal({ issuer, subject, name, role }, originOf(event))
  if (isRefusal(begun)) return leadBack(event, begun.code, to)
  const principal = enter(event, begun)
  oidc.remember(principal.key, idToken)
  accounts.onRevoked(principal, () => oidc.forget(principal.key))
  return leadTo(event, useRuntimeConfig(event).app.baseURL + to.slice(1))
})
