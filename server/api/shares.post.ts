import { NewShareSchema } from '#shared/schemas/access'
import type { MadeShare } from '#shared/schemas/access'
import { sharedView } from '#shared/fleet/shared-view'

/**
 * `POST /api/shares` with the address of a view and hours -> `MadeShare`: the only response that contains the link's
 * secret
 */
export default defineEventHandler(async (event): Promise<MadeShare> => {
  const share = await requireBody(event, NewShareSchema, MAX_ACCOUNT_BYTES)
  event.context.target = share.path
  const deviceId = sharedView(share.path)?.deviceId
  if (deviceId !== undefined && canSeeFor(event)?.(deviceId) === false) throw invisibleError(event)
  setResponseHeader(event, 'cache-control', 'no-store')
  return requireDone(event, await useLeitstand().accounts.addShare(requirePrincipal(event), share))
})
