import type { Token } from '#shared/schemas/access'

/** `DELETE /api/tokens/{tokenId}` -> `Token[]`: it is worth nothing any more, and its streams have ended */
export default defineEventHandler(async (event): Promise<Token[]> => {
  const { accounts } = useLeitstand()
  const principal = requirePrincipal(event)
  requireDone(event, await accounts.removeToken(principal, pathSegmentAfter(event, '/api/tokens/')))
  return accounts.tokens(principal)
})
