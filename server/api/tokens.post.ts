import { NewTokenSchema } from '#shared/schemas/access'
import type { MadeToken } from '#shared/schemas/access'

/** `POST /api/tokens` with name, role and days -> `MadeToken`: the only response that contains the token itself */
export default defineEventHandler(async (event): Promise<MadeToken> => {
  const token = await requireBody(event, NewTokenSchema, MAX_ACCOUNT_BYTES)
  event.context.target = withGroups(token.name, token.groups)
  setResponseHeader(event, 'cache-control', 'no-store')
  return requireDone(event, await useLeitstand().accounts.addToken(requirePrincipal(event), token))
})
