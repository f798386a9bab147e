import type { Share } from '#shared/schemas/access'

/** `DELETE /api/shares/{shareId}` -> `Share[]`: the link is worth nothing any more, and its streams have ended */
export default defineEventHandler(async (event): Promise<Share[]> => {
  const { accounts } = useLeitstand()
  const principal = requirePrincipal(event)
  requireDone(event, await accounts.removeShare(principal, pathSegmentAfter(event, '/api/shares/')))
  return accounts.shares(principal)
})
